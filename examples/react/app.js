/** A single-page app in React with the routes /login, /rooms and /rooms/[id]. */
import { html, useEffect, useState } from "./html.js";
import { LoginPage } from "./login.js";
import { RoomPage } from "./room.js";
import { RoomsPage } from "./rooms.js";
import { session } from "/shared/greenroom.js";

function useRoute() {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const follow = () => setPath(location.pathname);
    addEventListener("popstate", follow);
    return () => removeEventListener("popstate", follow);
  }, []);
  const go = (to) => {
    history.pushState(null, "", to);
    setPath(to);
  };
  return [path, go];
}

function useUser() {
  const [user, setUser] = useState(session.user);
  useEffect(() => {
    const follow = () => setUser(session.user);
    session.addEventListener("change", follow);
    return () => session.removeEventListener("change", follow);
  }, []);
  return user;
}

function Page({ path, go, user }) {
  const id = /^\/rooms\/([^/]+)$/.exec(path)?.[1];
  if (!user || path === "/login") return html`<${LoginPage} onEnter=${() => go("/rooms")} />`;
  return id ? html`<${RoomPage} key=${id} id=${id} />` : html`<${RoomsPage} onOpen=${(room) => go(`/rooms/${room}`)} />`;
}

function App() {
  const [path, go] = useRoute();
  const user = useUser();
  const follow = (event) => {
    event.preventDefault();
    go("/rooms");
  };
  const leave = () => {
    session.logout();
    go("/login");
  };
  return html`
    <header>
      <a href="/rooms" onClick=${follow}>Greenroom in React</a>
      ${user && html`<span>${user.name}</span><button onClick=${leave}>Sign out</button>`}
    </header>
    <main><${Page} path=${path} go=${go} user=${user} /></main>`;
}

globalThis.ReactDOM.createRoot(document.getElementById("app")).render(html`<${App} />`);
