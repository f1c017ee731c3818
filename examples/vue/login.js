import { session, why } from "/shared/greenroom.js";

export const LoginPage = {
  emits: ["entered"],
  data: () => ({ username: "", password: "", error: "" }),
  methods: {
    async enter(way) {
      const answer = await session[way]({ username: this.username, password: this.password });
      this.error = answer.ok ? "" : why(answer.error);
      if (answer.ok) this.$emit("entered");
    },
  },
  template: `
    <form class="card narrow stack" @submit.prevent="enter('login')">
      <h1>Sign in</h1>
      <label>Username <input v-model="username" name="username" autocomplete="username" autocapitalize="none" required></label>
      <label>Password <input v-model="password" name="password" type="password" autocomplete="current-password" minlength="10" required></label>
      <p class="error" role="alert">{{ error }}</p>
      <p class="row"><button class="primary">Sign in</button><button type="button" @click="enter('register')">Sign up</button></p>
    </form>`,
};
