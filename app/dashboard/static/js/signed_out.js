/** Whoever looks at a page may have signed out meanwhile, in another tab: what is asked for then leads to the sign-in page. */
import { t } from "./texts.js";

const SIGN_IN = "/login";

export function isSignedOut(response) {
  return Boolean(response?.redirected) && new URL(response.url).pathname === SIGN_IN;
}

/** In another tab, as this one has what somebody typed. */
export function signInLink() {
  return Object.assign(document.createElement("a"), { href: SIGN_IN, target: "_blank", textContent: t("sign_in_first") });
}
