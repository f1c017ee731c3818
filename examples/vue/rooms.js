import { connect } from "/shared/greenroom.js";

export const RoomsPage = {
  emits: ["open"],
  data: () => ({ rooms: [], name: "", error: "" }),
  async mounted() {
    const page = await connect().call("GET", "/api/rooms");
    if (page.ok) this.rooms = page.items;
  },
  methods: {
    async make() {
      const room = await connect().post("/api/rooms", { name: this.name });
      if (room.ok) this.$emit("open", room.id);
      else this.error = room.error.message;
    },
  },
  template: `
    <div class="stack">
      <h1>Rooms</h1>
      <form class="card row" @submit.prevent="make">
        <label class="grow">New room <input v-model="name" name="name" maxlength="120" required></label>
        <button class="primary">Make it</button>
        <p class="error" role="alert">{{ error }}</p>
      </form>
      <ul class="rooms">
        <li v-for="room in rooms" :key="room.id"><a :href="'/rooms/' + room.id" @click.prevent="$emit('open', room.id)">{{ room.name }}</a></li>
      </ul>
    </div>`,
};
