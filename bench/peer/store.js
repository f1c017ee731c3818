// The peer's database work, on Greenroom's own tables: one prepared statement a message.
import pg from "pg";

pg.defaults.parseInt8 = true;

const SEND = `
WITH author AS (
  SELECT u.username, u.name FROM memberships m JOIN users u ON u.id = m.user_id
  WHERE m.room_id = $1 AND m.user_id = $2 AND m.role <> 'left'
    AND NOT EXISTS (SELECT 1 FROM bans b WHERE b.room_id = $1 AND b.user_id = $2)
), head AS (
  UPDATE room_heads SET chat_seq = chat_seq + 1
  WHERE room_id = $1 AND EXISTS (SELECT 1 FROM author)
    AND NOT EXISTS (SELECT 1 FROM messages WHERE room_id = $1 AND user_id = $2 AND client_message_id = $3)
  RETURNING chat_seq
)
INSERT INTO messages (id, room_id, seq, change_seq, user_id, author_name, content, message_type, client_message_id, votes, created_at)
SELECT $4, $1, chat_seq, chat_seq, $2, author.name, $5, $6, $3, 0, now() FROM head, author
ON CONFLICT DO NOTHING
RETURNING seq, created_at, author_name, (SELECT username FROM author) AS username`;

const FIND = `
SELECT m.id, m.seq, m.created_at, u.username, u.name AS author_name FROM messages m JOIN users u ON u.id = m.user_id
WHERE m.room_id = $1 AND m.user_id = $2 AND m.client_message_id = $3`;

const MEMBER = `
SELECT r.id, r.name, r.description, r.is_private, r.owner_id, r.settings, r.stage, r.created_at, r.updated_at,
       m.role, h.epoch, h.room_seq, h.chat_seq
FROM rooms r JOIN room_heads h ON h.room_id = r.id LEFT JOIN memberships m ON m.room_id = r.id AND m.user_id = $2
WHERE r.id = $1 AND r.deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM bans b WHERE b.room_id = $1 AND b.user_id = $2)`;

const TIMERS = "SELECT * FROM timers WHERE room_id = $1 ORDER BY position";

const RECENT = `
SELECT m.*, u.username, u.name FROM messages m LEFT JOIN users u ON u.id = m.user_id
WHERE m.room_id = $1 ORDER BY m.created_at DESC, m.id DESC LIMIT 50`;

const SESSION = `
SELECT u.id, u.username, u.name FROM users u JOIN devices d ON d.user_id = u.id
WHERE u.id = $1 AND d.id = $2 AND d.revoked_at IS NULL`;

export class Store {
  constructor(url, connections) {
    this.pool = new pg.Pool({ connectionString: url, max: connections });
  }

  async rows(name, text, values) {
    return (await this.pool.query({ name, text, values })).rows;
  }

  async session(userId, deviceId) {
    return (await this.rows("session", SESSION, [userId, deviceId]))[0];
  }

  async room(roomId, userId) {
    return (await this.rows("member", MEMBER, [roomId, userId]))[0];
  }

  timers(roomId) {
    return this.rows("timers", TIMERS, [roomId]);
  }

  recent(roomId) {
    return this.rows("recent", RECENT, [roomId]);
  }

  async send({ id, roomId, userId, content, messageType, clientMessageId }) {
    const [row] = await this.rows("send", SEND, [roomId, userId, clientMessageId, id, content, messageType]);
    if (row) return { id, fresh: true, ...row };
    const [first] = await this.rows("find", FIND, [roomId, userId, clientMessageId]);
    return first && { fresh: false, ...first };
  }
}
