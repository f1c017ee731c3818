/** How fresh the page is, in words and by a shape. */
import { t } from "./texts.js";

/** Keep an element saying how fresh the page is. */
export function showConnection(room, element = document.getElementById("connection")) {
  const show = () => {
    element.dataset.state = room.connection;
    element.textContent = t(`connection.${room.connection}`);
  };
  room.addEventListener("connection", show);
  show();
}
