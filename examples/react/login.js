import { html, useState } from "./html.js";
import { session, why } from "/shared/greenroom.js";

export function LoginPage({ onEnter }) {
  const [error, setError] = useState("");
  const enter = async (event) => {
    event.preventDefault();
    const account = Object.fromEntries(new FormData(event.currentTarget));
    const answer = await session[event.nativeEvent.submitter.value](account);
    if (answer.ok) onEnter();
    else setError(why(answer.error));
  };
  return html`
    <form className="card narrow stack" onSubmit=${enter}>
      <h1>Sign in</h1>
      <label>Username <input name="username" autoComplete="username" autoCapitalize="none" required /></label>
      <label>Password <input name="password" type="password" autoComplete="current-password" minLength="10" required /></label>
      <p className="error" role="alert">${error}</p>
      <p className="row"><button className="primary" value="login">Sign in</button><button value="register">Sign up</button></p>
    </form>`;
}
