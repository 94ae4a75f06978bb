/** Where Discord is, as the library wants it. Pure. */

/** `http://host:port`, `.../api` or `.../api/v10` as `.../api`: the version is added by the library. */
export const restBase = (endpoint: string): string =>
  `${endpoint
    .replace(/\/+$/, '')
    .replace(/\/v\d+$/, '')
    .replace(/\/api$/, '')}/api`;
