/**
 * Text that forms no `##vso[…]`, `##[…]` or `##teamcity[…]`. Those count anywhere in a line, and Azure's agent looks
 * for them as .NET compares words, to which invisible characters are nothing (azure-pipelines-agent: Command.cs).
 */
export const withoutHashCommands = (text: string): string =>
  text.replace(/[\p{Cf}\0]/gu, '').replace(/#(?=#)/g, '# ')
