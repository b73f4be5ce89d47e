/** The version in package.json. `npm run generate` keeps it up to date. */
export const version = '1.0.0'
