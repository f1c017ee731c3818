/** Where people write: Enter sends, @ offers the people who are here, a reply or an edit is shown above the field. */
import { FileTray } from "./chat_files.js";
import { t, why } from "./texts.js";

const SHOWN_PEOPLE = 6;
const MOST_LINES = 6;
const MENTION = /(^|\s)@([\p{L}\p{Mn}\p{Mc}\p{Nd}_.-]*)$/u;

export class Composer {
  #form = document.getElementById("chat-compose");
  #text = document.getElementById("chat-text");
  #people = document.getElementById("chat-mentions");
  #context = document.getElementById("chat-context");
  #question = document.getElementById("chat-question");
  #tray;
  #about;

  /** @param {{people: () => object[], send: Function, edit: Function, upload: Function, typing: () => void}} page */
  constructor(page) {
    this.page = page;
    this.#tray = new FileTray({ upload: page.upload, say: (text) => this.say(text) });
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    this.#text.addEventListener("input", () => this.#changed());
    this.#text.addEventListener("blur", () => this.#offer([]));
    this.#people.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#people.addEventListener("click", ({ target }) => this.#complete(target.closest("li")));
    this.#context.querySelector("button").addEventListener("click", () => this.about(undefined));
  }

  /** @param {boolean} may whether the field is there at all @param {boolean} files whether files may go along */
  allow(may, files) {
    this.#form.hidden = !may;
    this.#tray.allow(may && files);
  }

  say(text) {
    document.getElementById("chat-error").textContent = text;
  }

  /** Reply to or edit a message, or neither. @param {{kind: "reply"|"edit", message: object}} [about] */
  about(about) {
    const ended = this.#about?.kind === "edit";
    this.#about = about;
    this.#context.hidden = !about;
    if (about) {
      const verb = about.kind === "edit" ? t("chat.editing") : t("chat.replying", { name: about.message.user?.name ?? "" });
      this.#context.querySelector("span").textContent = `${verb}: ${about.message.content.slice(0, 80)}`;
    }
    if (about?.kind === "edit") this.#text.value = about.message.content;
    else if (ended) this.#text.value = "";
    this.#grow();
    if (about) this.#text.focus();
  }

  async #submit(event) {
    event.preventDefault();
    const written = () => this.#text.value.trim() || this.#tray.file?.name;
    const content = written();
    if (!content || this.#tray.isSending) return;
    const about = this.#about;
    this.say("");
    if (about?.kind === "edit") {
      const answer = await this.page.edit(about.message.id, content);
      if (!answer.ok) return this.say(why(answer.error));
      if (this.#about !== about || written() !== content) return undefined; // they write something else by now
    } else {
      const sent = await this.#tray.send(content); // what is written stays in the field until the file has arrived
      if (!sent.ok) return this.say(why(sent.error));
      const messageType = this.#question.checked ? "question" : "text";
      const isEditing = this.#about?.kind === "edit"; // since the file began to leave: what stands in the field is another message
      this.page.send((!isEditing && written()) || content, { messageType, replyTo: about?.message.id ?? null, attachmentId: sent.id });
      if (isEditing) return undefined;
    }
    this.#question.checked = false;
    this.about(undefined);
    this.#text.value = "";
    this.#grow();
  }

  #key(event) {
    const chosen = this.#people.querySelector('[aria-selected="true"]');
    if (!this.#people.hidden && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      this.#choose(chosen, event.key === "ArrowDown" ? 1 : -1);
    } else if (!this.#people.hidden && ["Enter", "Tab"].includes(event.key)) {
      event.preventDefault();
      this.#complete(chosen);
    } else if (event.key === "Escape") {
      if (this.#people.hidden) this.about(undefined);
      this.#offer([]);
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#form.requestSubmit();
    }
  }

  #changed() {
    this.#grow();
    if (this.#text.value) this.page.typing();
    const begun = this.#begun()?.[2].toLowerCase();
    const fits = ({ username, name }) => [username, name].some((text) => text?.toLowerCase().startsWith(begun));
    this.#offer(begun === undefined ? [] : this.page.people().filter(fits).slice(0, SHOWN_PEOPLE));
  }

  #begun() {
    return this.#text.value.slice(0, this.#text.selectionStart).match(MENTION);
  }

  #offer(people) {
    this.#people.hidden = !people.length;
    this.#people.replaceChildren(
      ...people.map(({ username, name }, index) => {
        const option = document.createElement("li");
        option.id = `chat-mention-${index}`;
        option.role = "option";
        option.dataset.username = username;
        option.textContent = name === username ? `@${username}` : `${name} @${username}`;
        option.setAttribute("aria-selected", String(index === 0));
        return option;
      }),
    );
    this.#point();
  }

  #choose(from, by) {
    const options = [...this.#people.children];
    const next = options.at((options.indexOf(from) + by) % options.length);
    for (const option of options) option.setAttribute("aria-selected", String(option === next));
    this.#point();
  }

  #point() {
    const chosen = this.#people.querySelector('[aria-selected="true"]');
    if (chosen) this.#text.setAttribute("aria-activedescendant", chosen.id);
    else this.#text.removeAttribute("aria-activedescendant");
  }

  #complete(option) {
    const begun = this.#begun();
    if (!option || !begun) return;
    const start = begun.index + begun[1].length;
    this.#text.setRangeText(`@${option.dataset.username} `, start, this.#text.selectionStart, "end");
    this.#offer([]);
    this.#text.focus();
  }

  /** As high as what is written, up to a few lines, also where a narrow field breaks them. */
  #grow() {
    this.#text.rows = 1;
    const more = (this.#text.scrollHeight - this.#text.clientHeight) / parseFloat(getComputedStyle(this.#text).lineHeight);
    this.#text.rows = Math.min(MOST_LINES, 1 + Math.round(more));
  }
}
