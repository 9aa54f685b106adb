/**
 * Whether a cookie goes over TLS alone: where PUBLIC_URL is https, whichever way a request came, and everywhere but on a
 * developer's machine, which has no TLS: a Secure cookie would never come back.
 */
export function isSecureCookie(publicUrl: string, requestUrl: string): boolean {
  return publicUrl.startsWith("https:") || !isPlainLoopback(requestUrl);
}

function isPlainLoopback(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
