/** Types of the Greenroom client, written by hand; `docs/asyncapi.json` and `docs/openapi.json` have every field of the wire. */
import type { Socket, io as socketIo } from "socket.io-client";

export type Role = "viewer" | "guest" | "member" | "host" | "owner";
export type TimerState = "idle" | "running" | "paused" | "finished";
export type TimerActionName = "start" | "pause" | "reset" | "adjust" | "next" | "undo";
/** An instant, ISO 8601 in UTC with milliseconds. */
export type Instant = string;

export interface ApiError {
  code: string;
  message: string;
  details: Record<string, string[]>;
  retryable: boolean;
  retryAfterMs?: number;
}
export type Answer<T = object> = ({ ok: true } & T) | { ok: false; error: ApiError };

export interface Timer {
  id: string;
  roomId: string;
  title: string;
  description: string | null;
  position: number;
  /** Milliseconds, as everything that is a duration. */
  duration: number;
  state: TimerState;
  isActive: boolean;
  startTimestamp: Instant | null;
  endTimestamp: Instant | null;
  remainingMs: number | null;
  addedMs: number;
  warnMs: number;
  dangerMs: number;
  onFinish: "stop" | "overtime" | "next";
  startsAt: Instant | null;
  /** When the programme has it begin, which starts nothing: see `plan`. */
  plannedAt: Instant | null;
  finishedAt: Instant | null;
  revision: number;
  createdAt: Instant;
  updatedAt: Instant;
}

export interface Person {
  id: string;
  username: string;
  name: string;
  isGuest?: boolean;
}

export interface Attachment {
  id: string;
  roomId: string;
  userId: string | null;
  filename: string;
  mime: string;
  bytes: number;
  width: number | null;
  height: number | null;
  alt: string;
  url: string;
  thumbnailUrl: string | null;
  ts: number;
}

export interface Message {
  id: string;
  roomId: string;
  seq: number;
  changeSeq: number;
  user: Person | null;
  userId: string | null;
  content: string;
  messageType: "text" | "question" | "system" | "stage";
  clientMessageId: string | null;
  attachment: Attachment | null;
  replyTo: string | null;
  votes: number;
  createdAt: Instant;
  editedAt: Instant | null;
  deletedAt: Instant | null;
}

/** Written here and not yet known to the server. */
export interface PendingMessage {
  clientMessageId: string;
  content: string;
  messageType: "text" | "question";
  replyTo: string | null;
  attachmentId: string | null;
  createdAt: Instant;
  userId: string | null;
  pending: true;
  /** Why it was refused; it waits for `retry` or `discard`. */
  error?: ApiError;
}

export interface Stage {
  text: string;
  style: string | null;
  visible: boolean;
  blackout: boolean;
}

export interface Position {
  epoch: string;
  room: number;
  chat: number;
}

export interface RoomState {
  id: string;
  name: string;
  description: string | null;
  isPrivate: boolean;
  ownerId: string;
  settings: Record<string, unknown> & { chatMode: "open" | "members" | "hosts" | "closed"; guests: boolean; uploads: boolean; receipts: boolean };
  timers: Timer[];
  stage: Stage;
  position: Position;
  userCount: number;
  serverNow: Instant;
  shareToken?: string;
  createdAt: Instant;
  updatedAt: Instant;
}

/** What a timer shows at an instant; in overtime `ms` is what passed since the end. */
export interface Face {
  ms: number;
  phase: "idle" | "running" | "warn" | "danger" | "finished" | "overtime";
  paused: boolean;
  progress: number;
}

export interface SignedIn {
  user: Person;
  accessToken: string;
  refreshToken: string;
  expiresIn: number;
}
type Account = { username: string; password: string } | { email: string; password: string };

/** Who somebody is; its events: "change". */
export class Session extends EventTarget {
  constructor(options?: { url?: string; storage?: Storage; key?: string });
  readonly url: string;
  readonly user: Person | null;
  register(account: Account & { name?: string }): Promise<Answer<SignedIn>>;
  login(account: Account): Promise<Answer<SignedIn>>;
  guest(shareToken: string, name: string): Promise<Answer<{ guest: { id: string; name: string }; accessToken: string }>>;
  logout(): Promise<void>;
  token(): Promise<string | undefined>;
  renew(): Promise<string | undefined>;
}

export interface ClientOptions {
  /** Left out, the client works over REST until `connect` is given it. */
  io?: typeof socketIo;
  url?: string;
  session?: Session;
  token?: () => Promise<string | undefined> | string | undefined;
  renew?: () => Promise<string | undefined> | string | undefined;
  headers?: () => Record<string, string>;
  clock?: Clock;
}

export class Client {
  constructor(options: ClientOptions);
  readonly url: string;
  readonly clock: Clock;
  /** Undefined until there is an `io`. */
  readonly socket: Socket;
  readonly connected: boolean;
  connect(io: typeof socketIo): this;
  room(ref: string): Promise<Room>;
  emit<T = object>(name: string, payload?: unknown, timeoutMs?: number): Promise<Answer<T>>;
  fetch(path: string, options?: RequestInit): Promise<Response>;
  call<T = object>(method: string, path: string, body?: unknown): Promise<Answer<T>>;
  post<T = object>(path: string, body?: unknown): Promise<Answer<T>>;
  reconnect(): void;
  syncClock(): Promise<boolean>;
  close(): void;
}

export class Clock {
  constructor(sources?: { monotonic?: () => number; wall?: () => number });
  monotonic(): number;
  wall(): number;
  now(): number;
  readonly best: { offset: number; error: number; roundTrip: number } | undefined;
  sample(askedAt: number, serverNow: Instant | number, answeredAt?: number): void;
  slept(): boolean;
}

/** Events: "change", "connection", "joined", "polled", "flash", "left" (its `detail` is the reason), and those of the wire by name. */
export class Room extends EventTarget {
  constructor(client: Client, ref: string);
  readonly client: Client;
  readonly ref: string;
  readonly id: string | undefined;
  readonly store: RoomStore;
  readonly connection: "connecting" | "live" | "polling" | "stale";
  readonly you: { role: Role; userId: string | null };
  readonly lastHeard: number;
  /** Why the room is followed no more, or never was: `room_not_found`, `removed`, `banned` …; undefined while it is. */
  readonly left: string | undefined;
  open(): Promise<this>;
  join(): Promise<unknown>;
  wake(): Promise<void>;
  poll(): Promise<void>;
  restart(): void;
  timerAction(timerId: string, action: TimerActionName, more?: { deltaMs?: number }): Promise<Answer<{ timer: Timer }>>;
  remaining(timer?: Timer): number | null;
  tick(draw: (face: Face | null, timer: Timer | undefined) => void, everyMs?: number): () => void;
  close(): void;
}

/** Events: "change", and what changed: "room", "timers", "stage", "users", "typing", "messages", "reads". */
export class RoomStore extends EventTarget {
  constructor(repair: () => void);
  readonly room: RoomState | null;
  readonly messages: Message[];
  readonly users: Person[];
  readonly userCount: number;
  readonly typing: Map<string, string>;
  readonly reads: Map<string, { messageId: string; readAt: Instant }>;
  readonly position: Position | null;
  timer(id: string): Timer | undefined;
  current(): Timer | undefined;
  upcoming(): Timer | undefined;
  following(): Timer | undefined;
  load(state: RoomState): void;
  loadRoom(state: RoomState): void;
  welcome(joined: { users?: Person[]; messages?: Message[]; recovered?: boolean }): void;
  apply(name: string, payload: unknown, ...more: unknown[]): boolean;
  settle(position: Position): void;
  putMessage(message: Message): void;
  prepend(page: Message[]): void;
  forget(): void;
}

/** Events: "change", "state". */
export class Conversation extends EventTarget {
  constructor(room: Room, options?: { storage?: Storage });
  readonly room: Room;
  readonly messages: (Message | PendingMessage)[];
  readonly outbox: PendingMessage[];
  readonly canRead: boolean | undefined;
  readonly hasOlder: boolean;
  readonly me: string | null;
  send(content: string, options?: { messageType?: "text" | "question"; replyTo?: string | null; attachmentId?: string | null }): string;
  retry(clientMessageId: string): void;
  discard(clientMessageId: string): void;
  edit(messageId: string, content: string): Promise<Answer<{ message: Message }>>;
  delete(messageId: string): Promise<Answer>;
  typing(): void;
  stopTyping(): void;
  markRead(): void;
  readers(messageId: string): string[];
  receipts(messageId: string): Promise<Answer<{ items: (Omit<Person, "id"> & { userId: string; readAt: Instant })[]; nextCursor: string | null }>>;
  older(): Promise<number>;
  search(words: string): Promise<Answer<{ items: Message[]; nextCursor: string | null }>>;
}

export interface UploadOptions {
  alt?: string;
  /** Called with how much has left, from 0 to 1; in browsers only. */
  onProgress?: (share: number) => void;
  signal?: AbortSignal;
}
export function upload(client: Client, roomId: string, file: File, options?: UploadOptions): Promise<Answer<Attachment>>;
export function countdown(timer: Timer, nowMs: number): Face;
export function remaining(timer: Timer, nowMs: number): number;
export function thresholds(timer: Timer): { warn: number; danger: number };
export function lengthText(timer: Timer): string;
export function format(ms: number, how?: { tenths?: boolean; up?: boolean }): string;
export function front(timers: Timer[]): Timer | undefined;
export function overrun(timer: Timer, timers: Timer[], nowMs: number): number | undefined;
export function plan(timers: Timer[]): Map<string, number>;
export function schedule(timers: Timer[], planned: Map<string, number>, nowMs: number): Map<string, number>;
export function lateness(timer: Timer | undefined, planned: Map<string, number>, drifts: Map<string, number>, nowMs: number): number | undefined;
export function forecast(timers: Timer[], planned: Map<string, number>, nowMs: number): Map<string, { begins: number; ends: number }>;
export function endOfDay(timers: Timer[], times: Map<string, { begins: number; ends: number }>): number | undefined;
export function driftText(driftMs: number | undefined): string;
