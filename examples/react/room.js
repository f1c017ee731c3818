import { format } from "greenroom-client";
import { html, useEffect, useLayoutEffect, useReducer, useRef, useState } from "./html.js";
import { isHost, nameOf, openRoom, REACHED_TOP_PX, stateOf } from "/shared/greenroom.js";

/** The room and its conversation, drawn again whenever something of them changes. */
function useRoom(id) {
  const [, changed] = useReducer((count) => count + 1, 0);
  const live = useRef({});
  useEffect(() => {
    live.current = openRoom(id, changed);
    return () => live.current.close();
  }, [id]);
  return live.current;
}

function useFace(room) {
  const [face, setFace] = useState(null);
  useEffect(() => room?.tick(setFace), [room]);
  return face;
}

export function RoomPage({ id }) {
  const { room, talk } = useRoom(id);
  return html`
    <h1>${room?.store.room?.name ?? ""} <span className="soft" role="status">${stateOf(room)}</span></h1>
    ${room?.store.room && html`<div className="room"><${TimerCard} room=${room} /><${TalkCard} room=${room} talk=${talk} /></div>`}`;
}

function TimerCard({ room }) {
  const face = useFace(room);
  const [error, setError] = useState("");
  const timer = room?.store.current();
  const over = face?.phase === "overtime";
  const report = async (answer) => setError((await answer).error?.message ?? "");
  const act = (action) => () => report(room.timerAction(timer.id, action));
  const add = (event) => {
    event.preventDefault();
    const { title, minutes } = event.currentTarget.elements;
    report(room.client.post(`/api/rooms/${room.id}/timers`, { title: title.value, duration: Math.round(minutes.value * 60_000) }));
    event.currentTarget.reset();
  };
  const buttons = html`
    <p className="row">
      <button className="primary" onClick=${act(timer?.state === "running" ? "pause" : "start")}>${timer?.state === "running" ? "Pause" : "Start"}</button>
      <button onClick=${act("reset")}>Reset</button>
      <button onClick=${act("next")}>Next</button>
    </p>`;
  return html`
    <section className="card stack" aria-label="Timer">
      <h2>${timer?.title ?? "No timer yet"}</h2>
      <p className="digits" role="timer" data-phase=${face?.phase}>${face ? (over ? "+" : "") + format(face.ms, { up: over }) : "–:––"}</p>
      ${isHost(room) && timer && buttons}
      ${isHost(room) &&
      html`<form className="row" onSubmit=${add}>
        <label className="grow">Title <input name="title" required /></label>
        <label className="number">Minutes <input name="minutes" type="number" min="0.1" step="any" defaultValue="10" /></label>
        <button>Add</button>
      </form>`}
      <p className="error" role="alert">${error}</p>
      <ol className="run" aria-label="Run of show">
        ${room.store.room.timers.map(
          (one) => html`<li key=${one.id} data-state=${one.state} aria-current=${one.id === timer.id || null}><span>${one.title}</span>${format(one.duration)}</li>`,
        )}
      </ol>
    </section>`;
}

function TalkCard({ room, talk }) {
  const messages = talk?.messages ?? [];
  const { log, scrolled } = useInfiniteScroll(talk, messages);
  const say = (event) => {
    event.preventDefault();
    const { message } = event.currentTarget.elements;
    if (message.value.trim()) talk.send(message.value.trim());
    event.currentTarget.reset();
  };
  const typing = [...(room?.store.typing.values() ?? [])];
  return html`
    <section className="card stack" aria-label="Conversation">
      <ul ref=${log} className="log" tabIndex="0" aria-label="Messages" onScroll=${scrolled}>
        ${messages.map(
          (message) => html`<li key=${message.clientMessageId ?? message.id} data-pending=${message.pending} data-type=${message.messageType}>
            <b>${nameOf(message)}</b>${message.content}${message.error && html`<span className="error"> ${message.error.message}</span>`}
          </li>`,
        )}
      </ul>
      <p className="soft">${typing.length ? `${typing.join(", ")} …` : ""}</p>
      <form className="row" onSubmit=${say}>
        <label className="grow">Message <input name="message" autoComplete="off" onInput=${() => talk?.typing()} /></label>
        <button className="primary">Send</button>
      </form>
    </section>`;
}

/** Keeps the place where people read: the end while they are there, else the same lines while older ones come in above them. */
function useInfiniteScroll(talk, messages) {
  const log = useRef();
  const seen = useRef({ height: 0, atEnd: true, loading: false });
  useLayoutEffect(() => {
    const { current: list } = log;
    const { height, atEnd, loading } = seen.current;
    if (atEnd) list.scrollTop = list.scrollHeight;
    else if (loading) list.scrollTop += list.scrollHeight - height;
    seen.current.height = list.scrollHeight;
  }, [messages.length]);
  const scrolled = async () => {
    const { current: list } = log;
    seen.current.atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < REACHED_TOP_PX;
    if (list.scrollTop > REACHED_TOP_PX || seen.current.loading || !talk?.hasOlder) return;
    seen.current.loading = true;
    await talk.older();
    requestAnimationFrame(() => (seen.current.loading = false));
  };
  return { log, scrolled };
}
