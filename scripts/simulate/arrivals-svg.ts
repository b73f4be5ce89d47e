import { histogram, type Outcome } from './crowd.ts'

const width = 760
const panel = { left: 48, width: 696, height: 130, gap: 66, top: 64 } as const

/** The top of a panel, as a multiple of the limit. A higher bar shows its value as a number. */
const highest = 6

/** Draws one panel for each crowd: the requests of each second, admitted below and refused on top, with a line for the limit. */
export function arrivalsSvg(crowds: Readonly<Record<string, Outcome>>, perSecond: number): string {
  const panels = Object.entries(crowds).map(([name, outcome]) => ({
    name,
    outcome,
    bars: histogram(outcome.arrivals),
  }))
  const seconds = Math.max(...panels.map(({ bars }) => bars.length))
  const most = highest * perSecond
  const step = panel.width / seconds
  const scale = panel.height / most
  const height = panel.top + panels.length * (panel.height + panel.gap) - panel.gap / 2

  const round = (number: number) => Number(number.toFixed(1))
  const text = (x: number, y: number, content: string, attributes = '') =>
    `<text x="${round(x)}" y="${round(y)}"${attributes}>${content}</text>`
  const upright = (x: number, y: number, content: string) =>
    text(-y - 4, x + 4, content, ' class="more" transform="rotate(-90)" text-anchor="end"')
  const rect = (kind: string, x: number, y: number, tall: number) =>
    tall === 0
      ? []
      : [
          `<rect class="${kind}" x="${round(x)}" y="${round(y)}" width="${round(step - 1)}" height="${round(tall)}"/>`,
        ]

  const drawn = panels.flatMap(({ name, outcome, bars }, index) => {
    const top = panel.top + index * (panel.height + panel.gap)
    const bottom = top + panel.height
    const ticks = Array.from({ length: Math.floor((seconds - 3) / 10) + 1 }, (_, tick) => tick * 10)
    const { tokens, requests, refused, lastToken } = outcome
    const said = `${tokens} tokens, ${requests} requests, ${refused} refused, last token after ${Math.round(lastToken / 1_000)} s`
    return [
      text(panel.left, top - 10, `${name}: ${said}`, ' class="name"'),
      ...bars.flatMap(({ admitted, refused }, second) => {
        const x = panel.left + second * step
        const all = admitted + refused
        const shown = Math.min(all, most)
        return [
          ...rect('admitted', x, bottom - admitted * scale, admitted * scale),
          ...rect('refused', x, bottom - shown * scale, (shown - admitted) * scale),
          ...(all > most ? [upright(x + step / 2, top, String(all))] : []),
        ]
      }),
      `<path class="axis" d="M${panel.left} ${bottom}h${panel.width}"/>`,
      `<path class="limit" d="M${panel.left} ${round(bottom - perSecond * scale)}h${panel.width}"/>`,
      text(panel.left - 6, bottom - perSecond * scale + 4, String(perSecond), ' text-anchor="end"'),
      text(panel.left - 6, top + 8, String(most), ' text-anchor="end"'),
      ...ticks.map((tick) => text(panel.left + tick * step, bottom + 16, `${tick} s`)),
    ]
  })
  const summary = panels
    .map(({ name, outcome }) => `${name}: ${outcome.tokens} tokens for ${outcome.requests} requests`)
    .join('. ')

  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description">`,
    '<title id="title">Requests in each second</title>',
    `<desc id="description">A matrix of jobs asks a server that admits ${perSecond} requests a second. ${summary}.</desc>`,
    '<style>',
    'svg{background:#fff;font:12px system-ui,sans-serif}text{fill:#24292f}.name{font-weight:600}.more{fill:#24292f;font-size:10px}',
    '.admitted{fill:#0550ae}.refused{fill:#e0823d}.axis{stroke:#57606a}.limit{stroke:#57606a;stroke-dasharray:4 3}',
    '@media (prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}.admitted{fill:#58a6ff}.refused{fill:#bd6a2b}.axis,.limit{stroke:#8b949e}}',
    '</style>',
    text(panel.left, 24, 'Requests in each second', ' class="name"'),
    ...rect('admitted', 250, 14, 10),
    text(250 + step + 6, 24, 'admitted'),
    ...rect('refused', 350, 14, 10),
    text(350 + step + 6, 24, 'refused'),
    `<path class="limit" d="M450 19h24"/>`,
    text(480, 24, 'what the server admits'),
    ...drawn,
    '</svg>',
  ].join('\n')}\n`
}
