/** The file that goes along with what is written: picked, dropped or pasted; looked at, described, sent, stopped, sent again. */
import { bringsFiles } from "./site.js";
import { t } from "./texts.js";

const $ = (id) => document.getElementById(id);

export class FileTray {
  #place = $("chat");
  #input = $("chat-file");
  #tray = $("chat-tray");
  #picture = $("chat-tray-picture");
  #alt = $("chat-tray-alt");
  #progress = $("chat-tray-progress");
  #note = $("chat-file-note");
  #stop = $("chat-tray-stop");
  #retry = $("chat-tray-retry");
  #sending;
  #mayTake = false;
  #isOneOfMany = false;
  #isBlank = false;
  file;

  /** @param {{upload: (file: File, options: object) => Promise<object>, say: (text: string) => void}} page */
  constructor({ upload, say }) {
    this.upload = upload;
    this.say = say;
    this.#input.addEventListener("change", () => this.#take(this.#input.files));
    this.#stop.addEventListener("click", () => (this.#sending ? this.#sending.abort() : this.clear()));
    this.#picture.addEventListener("error", () => this.#cannotDraw());
    // The whole page is the place: who misses the conversation by a finger's breadth meant it all the same.
    document.body.addEventListener("dragover", (event) => this.#over(event));
    document.body.addEventListener("dragleave", ({ relatedTarget }) => relatedTarget || this.#mark(false));
    document.body.addEventListener("drop", (event) => this.#drop(event));
    $("chat-text").addEventListener("paste", (event) => this.#paste(event));
  }

  /** @param {boolean} may whether files are taken here from this person */
  allow(may) {
    this.#mayTake = may;
    $("chat-file-label").hidden = !may;
    if (!may && !this.#sending) this.clear();
  }

  get isSending() {
    return Boolean(this.#sending);
  }

  clear() {
    this.file = undefined;
    this.#input.value = "";
    this.#alt.querySelector("input").value = "";
    this.#draw();
  }

  /** Send the file, if there is one; what is written describes a picture that nobody described. The attachment, or `{ok, id: null}`. */
  async send(words) {
    if (!this.file) return { ok: true, id: null };
    this.#sending = new AbortController();
    this.#progress.value = 0;
    this.#draw();
    const alt = this.#alt.querySelector("input").value.trim() || words;
    const onProgress = (share) => (this.#progress.value = share);
    const answer = await this.upload(this.file, { alt, onProgress, signal: this.#sending.signal });
    this.#sending = undefined;
    if (answer.ok) this.clear();
    else this.#draw(true);
    return answer;
  }

  #take(files) {
    if (!files.length || !this.#mayTake || this.#sending) return;
    const refusal = this.#refusalOf(files[0]);
    this.say(refusal);
    if (refusal) return void (this.#input.value = "");
    this.file = files[0];
    [this.#isOneOfMany, this.#isBlank] = [files.length > 1, false];
    this.#draw();
    this.#tray.scrollIntoView({ block: "nearest" });
  }

  /** What the server will not take is said before somebody describes it; it decides all the same. */
  #refusalOf({ type, name, size }) {
    const most = Number(this.#input.dataset.most);
    const taken = this.#input.accept.split(",");
    if (![type, `.${name.split(".").at(-1).toLowerCase()}`].some((claim) => taken.includes(claim))) return t("chat.not_taken");
    return size > most ? t("chat.too_large", { n: Math.floor(most / 1_000_000) }) : "";
  }

  #over(event) {
    if (!this.#mayTake || this.#sending || !bringsFiles(event)) return;
    event.preventDefault();
    this.#mark(true);
  }

  #drop(event) {
    this.#mark(false);
    if (!this.#mayTake || this.#sending || !bringsFiles(event)) return;
    event.preventDefault();
    this.#take(event.dataTransfer.files);
  }

  #paste(event) {
    if (!this.#mayTake || !event.clipboardData.files.length) return;
    event.preventDefault();
    this.#take(event.clipboardData.files);
  }

  #mark(isOver) {
    this.#place.classList.toggle("dropping", isOver);
  }

  #draw(failed = false) {
    const { file } = this;
    const isPicture = Boolean(file?.type.startsWith("image/"));
    this.#tray.hidden = !file;
    this.#alt.hidden = !isPicture || this.#isBlank;
    this.#alt.querySelector("input").disabled = Boolean(this.#sending);
    this.#progress.hidden = !this.#sending;
    this.#retry.hidden = !failed;
    this.#stop.textContent = this.#sending ? this.#stop.dataset.stop : this.#stop.dataset.remove;
    this.#note.textContent = file ? this.#words() : "";
    this.#preview(isPicture ? file : undefined);
  }

  #words() {
    const what = t(this.#sending ? "chat.sending_file" : "chat.with_file", { name: this.file.name });
    return [what, ...(this.#isOneOfMany ? [t("chat.one_file")] : []), ...(this.#isBlank ? [t("chat.no_preview")] : [])].join(", ");
  }

  /** A picture that this browser cannot draw is a file like any other. */
  #cannotDraw() {
    if (!this.file || !this.#picture.hasAttribute("src")) return;
    this.#isBlank = true;
    this.#picture.hidden = true;
    this.#draw(!this.#retry.hidden);
  }

  #preview(file) {
    if (this.#picture.shown === file) return;
    if (this.#picture.src) URL.revokeObjectURL(this.#picture.src);
    this.#picture.shown = file;
    this.#picture.hidden = !file;
    if (file) this.#picture.src = URL.createObjectURL(file);
    else this.#picture.removeAttribute("src");
  }
}
