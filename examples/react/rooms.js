import { html, useEffect, useState } from "./html.js";
import { connect } from "/shared/greenroom.js";

export function RoomsPage({ onOpen }) {
  const [rooms, setRooms] = useState([]);
  const [error, setError] = useState("");
  useEffect(() => {
    connect()
      .call("GET", "/api/rooms")
      .then((page) => page.ok && setRooms(page.items));
  }, []);
  const make = async (event) => {
    event.preventDefault();
    const room = await connect().post("/api/rooms", Object.fromEntries(new FormData(event.currentTarget)));
    if (room.ok) onOpen(room.id);
    else setError(room.error.message);
  };
  const open = (id) => (event) => {
    event.preventDefault();
    onOpen(id);
  };
  return html`
    <div className="stack">
      <h1>Rooms</h1>
      <form className="card row" onSubmit=${make}>
        <label className="grow">New room <input name="name" maxLength="120" required /></label>
        <button className="primary">Make it</button>
        <p className="error" role="alert">${error}</p>
      </form>
      <ul className="rooms">
        ${rooms.map(({ id, name }) => html`<li key=${id}><a href=${`/rooms/${id}`} onClick=${open(id)}>${name}</a></li>`)}
      </ul>
    </div>`;
}
