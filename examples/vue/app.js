/** A single-page app in Vue 3: sign in, list and make rooms, run a timer, talk. */
import { createApp } from "vue";
import { session } from "/shared/greenroom.js";
import { LoginPage } from "./login.js";
import { RoomPage } from "./room.js";
import { RoomsPage } from "./rooms.js";

const App = {
  components: { LoginPage, RoomsPage, RoomPage },
  data: () => ({ path: location.pathname, user: session.user }),
  computed: {
    roomId() {
      return /^\/rooms\/([^/]+)$/.exec(this.path)?.[1];
    },
  },
  mounted() {
    addEventListener("popstate", () => (this.path = location.pathname));
    session.addEventListener("change", () => (this.user = session.user));
  },
  methods: {
    go(path) {
      history.pushState(null, "", path);
      this.path = path;
    },
    leave() {
      session.logout();
      this.go("/login");
    },
  },
  template: `
    <header>
      <a href="/rooms" @click.prevent="go('/rooms')">Greenroom in Vue</a>
      <template v-if="user"><span>{{ user.name }}</span><button @click="leave">Sign out</button></template>
    </header>
    <main>
      <login-page v-if="!user" @entered="go('/rooms')" />
      <room-page v-else-if="roomId" :key="roomId" :id="roomId" />
      <rooms-page v-else @open="(id) => go('/rooms/' + id)" />
    </main>`,
};

createApp(App).mount("#app");
