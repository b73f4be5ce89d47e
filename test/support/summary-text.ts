/** Returns a job summary as a browser shows it: without Markdown's escapes, and with line breaks. */
export const summaryText = (markdown: string): string =>
  markdown
    .replaceAll('<br>', '\n')
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))

/** Returns the errors that a job summary shows, each as the log shows it: what happened, then what to do. */
export const errorsIn = (markdown: string): string[] =>
  [...summaryText(markdown).matchAll(/^\| What happened \| (.*?) \|\n\| What to do \| (.*?) \|$/gms)].map(
    ([, message, nextStep]) => `${message}\n${nextStep}`,
  )
