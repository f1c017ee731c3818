/**
 * Who somebody is: signs in, keeps the tokens, and gives a fresh one whenever it is asked.
 *
 * A refresh token may be used once, and using it again signs the device out. So there is one exchange at a time, and tabs that share a
 * storage read what another of them may have written before they exchange anything.
 * Events: "change" (signed in or out).
 */
const EARLY_MS = 30_000;

export class Session extends EventTarget {
  #kept;
  #storage;
  #key;
  #renewing;

  /** @param {{url?: string, storage?: Storage, key?: string}} [options] without a storage it lasts as long as this object */
  constructor({ url = "", storage, key = "greenroom:session" } = {}) {
    super();
    this.url = url;
    this.#storage = storage;
    this.#key = key;
  }

  /** Who is signed in: an account, a guest (`isGuest: true`), or null. */
  get user() {
    return this.#tokens()?.user ?? null;
  }

  register(account) {
    return this.#enter("/api/auth/register", account);
  }

  login(account) {
    return this.#enter("/api/auth/login", account);
  }

  /** Come into one room with its share token and a nickname, without an account. */
  async guest(shareToken, name) {
    const answer = await this.#post(`/api/rooms/${encodeURIComponent(shareToken)}/guests`, { name });
    if (answer.ok) this.#keep({ user: { ...answer.guest, isGuest: true }, accessToken: answer.accessToken, endsAt: Infinity });
    return answer;
  }

  async logout() {
    const { refreshToken } = this.#tokens() ?? {};
    this.#keep(null);
    if (refreshToken) await this.#post("/api/auth/logout", { refreshToken });
  }

  /** An access token that is good for a while yet, or undefined. */
  async token() {
    const tokens = this.#tokens();
    if (!tokens || Date.now() < tokens.endsAt) return tokens?.accessToken;
    return (await this.renew()) ?? tokens.accessToken;
  }

  /** Exchange the tokens now; undefined when that did not work. Who is no longer known is signed out. */
  renew() {
    this.#renewing ??= this.#exchange().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #exchange() {
    const { refreshToken } = this.#tokens() ?? {};
    if (!refreshToken) return undefined;
    const answer = await this.#post("/api/auth/refresh", { refreshToken });
    const now = this.#tokens();
    if (now?.refreshToken !== refreshToken) return now?.accessToken; // signed out meanwhile, or in again, or another tab was faster
    if (answer.ok) return this.#take(answer).accessToken;
    if (!answer.error.retryable) this.#keep(null);
    return undefined;
  }

  async #enter(path, body) {
    const answer = await this.#post(path, body);
    return answer.ok ? this.#take(answer) : answer;
  }

  #take(answer) {
    const { user, accessToken, refreshToken, expiresIn } = answer;
    const livesMs = expiresIn * 1000;
    this.#keep({ user, accessToken, refreshToken, endsAt: Date.now() + livesMs - Math.min(EARLY_MS, livesMs / 2) });
    return answer;
  }

  async #post(path, body) {
    try {
      const response = await fetch(this.url + path, {
        method: "POST",
        credentials: "omit",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
      const answer = response.status === 204 ? {} : await response.json();
      return { ok: response.ok, ...answer };
    } catch {
      return { ok: false, error: { code: "offline", message: "No connection.", details: {}, retryable: true } };
    }
  }

  #tokens() {
    if (!this.#storage) return this.#kept;
    return JSON.parse(this.#storage.getItem(this.#key) ?? "null", (name, value) => (name === "endsAt" && value === null ? Infinity : value));
  }

  #keep(tokens) {
    this.#kept = tokens;
    if (tokens) this.#storage?.setItem(this.#key, JSON.stringify(tokens));
    else this.#storage?.removeItem(this.#key);
    this.dispatchEvent(new Event("change"));
  }
}
