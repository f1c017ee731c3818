/** The file that goes along with what is written: picked, dropped or pasted; looked at, described, sent, stopped, sent again. */
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
  file;

  /** @param {(file: File, options: object) => Promise<object>} upload */
  constructor(upload) {
    this.upload = upload;
    this.#input.addEventListener("change", () => this.#take(this.#input.files));
    this.#stop.addEventListener("click", () => (this.#sending ? this.#sending.abort() : this.clear()));
    this.#place.addEventListener("dragover", (event) => this.#over(event));
    this.#place.addEventListener("dragleave", ({ relatedTarget }) => this.#mark(this.#place.contains(relatedTarget)));
    this.#place.addEventListener("drop", (event) => this.#drop(event));
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
    this.file = files[0];
    this.#draw();
    if (files.length > 1) this.#note.textContent += `, ${t("chat.one_file")}`;
  }

  #over(event) {
    if (!this.#mayTake || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    this.#mark(true);
  }

  #drop(event) {
    this.#mark(false);
    if (!event.dataTransfer.files.length) return;
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
    this.#alt.hidden = !isPicture;
    this.#progress.hidden = !this.#sending;
    this.#retry.hidden = !failed;
    this.#stop.textContent = this.#sending ? this.#stop.dataset.stop : this.#stop.dataset.remove;
    this.#note.textContent = file ? t(this.#sending ? "chat.sending_file" : "chat.with_file", { name: file.name }) : "";
    this.#preview(isPicture ? file : undefined);
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
