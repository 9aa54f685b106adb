/**
 * Whether a cookie is `Secure`: where PUBLIC_URL is https, and everywhere but on a developer's machine without TLS, from
 * where a Secure cookie would never come back.
 */
export function isSecureCookie(publicUrl: string, requestUrl: string): boolean {
  return publicUrl.startsWith("https:") || !isPlainLoopback(requestUrl);
}

function isPlainLoopback(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
