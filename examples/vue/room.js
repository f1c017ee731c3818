import { markRaw } from "vue";
import { countdown, format } from "greenroom-client";
import { isHost, nameOf, openRoom, REACHED_TOP_PX, stateOf } from "/shared/greenroom.js";

const TICK_MS = 100;

export const RoomPage = {
  props: { id: String },
  data: () => ({ state: null, timer: null, face: null, timers: [], messages: [], typing: [], status: "connecting", host: false, text: "", title: "", minutes: 10, error: "" }),
  created() {
    this.live = markRaw(openRoom(this.id, () => this.draw()));
    this.ticking = setInterval(() => this.tick(), TICK_MS);
  },
  unmounted() {
    clearInterval(this.ticking);
    this.live.close();
  },
  computed: {
    shown() {
      return this.face ? (this.face.phase === "overtime" ? "+" : "") + format(this.face.ms, { up: this.face.phase === "overtime" }) : "–:––";
    },
  },
  methods: {
    format,
    nameOf,
    draw() {
      const { room, talk } = this.live;
      const { store } = room;
      const { log } = this.$refs;
      const follows = !log || log.scrollHeight - log.scrollTop - log.clientHeight < REACHED_TOP_PX;
      Object.assign(this, { state: store.room, timer: store.current(), status: stateOf(room), host: isHost(room) });
      Object.assign(this, { timers: store.room?.timers ?? [], messages: talk.messages, typing: [...store.typing.values()] });
      this.tick();
      this.$nextTick(() => follows && this.toEnd());
    },
    toEnd() {
      const { log } = this.$refs;
      if (log) log.scrollTop = log.scrollHeight;
    },
    tick() {
      if (this.timer) this.face = countdown(this.timer, this.live.room.client.clock.now());
    },
    async report(answer) {
      const { ok, error } = await answer;
      this.error = ok ? "" : error.message;
    },
    act(action) {
      this.report(this.live.room.timerAction(this.timer.id, action));
    },
    add() {
      const { client } = this.live.room;
      this.report(client.post(`/api/rooms/${this.id}/timers`, { title: this.title, duration: Math.round(this.minutes * 60_000) }));
      this.title = "";
    },
    say() {
      if (this.text.trim()) this.live.talk.send(this.text.trim());
      this.text = "";
    },
    async scrolled() {
      const { log } = this.$refs;
      const { talk } = this.live;
      if (log.scrollTop > REACHED_TOP_PX || this.loading || !talk?.hasOlder) return;
      this.loading = true;
      const before = log.scrollHeight;
      await talk.older();
      await this.$nextTick();
      log.scrollTop += log.scrollHeight - before;
      this.loading = false;
    },
  },
  template: `
    <h1>{{ state?.name ?? "" }} <span class="soft" role="status">{{ status }}</span></h1>
    <div v-if="state" class="room">
      <section class="card stack" aria-label="Timer">
        <h2>{{ timer?.title ?? "No timer yet" }}</h2>
        <p class="digits" role="timer" :data-phase="face?.phase">{{ shown }}</p>
        <p v-if="host && timer" class="row">
          <button class="primary" @click="act(timer.state === 'running' ? 'pause' : 'start')">{{ timer.state === "running" ? "Pause" : "Start" }}</button>
          <button @click="act('reset')">Reset</button>
          <button @click="act('next')">Next</button>
        </p>
        <form v-if="host" class="row" @submit.prevent="add">
          <label class="grow">Title <input v-model="title" name="title" required></label>
          <label class="number">Minutes <input v-model.number="minutes" name="minutes" type="number" min="0.1" step="any"></label>
          <button>Add</button>
        </form>
        <p class="error" role="alert">{{ error }}</p>
        <ol class="run" aria-label="Run of show">
          <li v-for="one in timers" :key="one.id" :data-state="one.state" :aria-current="one.id === timer.id || null"><span>{{ one.title }}</span>{{ format(one.duration) }}</li>
        </ol>
      </section>
      <section class="card stack" aria-label="Conversation">
        <ul ref="log" class="log" tabindex="0" aria-label="Messages" @scroll="scrolled">
          <li v-for="message in messages" :key="message.clientMessageId ?? message.id" :data-pending="message.pending" :data-type="message.messageType"><b>{{ nameOf(message) }}</b>{{ message.content }}<span v-if="message.error" class="error"> {{ message.error.message }}</span></li>
        </ul>
        <p class="soft">{{ typing.length ? typing.join(", ") + " …" : "" }}</p>
        <form class="row" @submit.prevent="say">
          <label class="grow">Message <input v-model="text" name="message" autocomplete="off" @input="live.talk?.typing()"></label>
          <button class="primary">Send</button>
        </form>
      </section>
    </div>`,
};
