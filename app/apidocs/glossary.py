"""What the keys of the documents mean, in sentences: a key means the same wherever it stands, but for a few.

What a schema is, its docstring says; what is known of one field alone, the field's own metadata. Here is the rest.
"""

from __future__ import annotations

import inspect
from typing import Any

from app.web.schema import Schema

Json = dict[str, Any]

WORDS = {
    "accessToken": "The token to act with, as a bearer token and in a socket's handshake. It ends after minutes.",
    "actorId": "The account or the guest who did it.",
    "actorName": "The name that they had then.",
    "addedMs": "How much time was given since the last reset, in milliseconds; negative where time was taken.",
    "alt": "What an image shows, for people who do not see it.",
    "at": "When it was done.",
    "attachment": "The file that came with the message, as an attachment; null without one.",
    "attachmentId": "The id of the file that comes with the message; null without one.",
    "backlogBytes": "The bytes that wait to be written to all sockets together, now.",
    "backlogged": "How many sockets have bytes waiting to be written, now.",
    "beforeTs": "Only messages older than this: milliseconds since 1970, or an ISO 8601 instant with its offset.",
    "blackout": "Whether the screens show nothing at all.",
    "busHealthy": "Whether events reach the other workers at the moment.",
    "bytes": "The size of the file in bytes.",
    "changeSeq": "The number of the message's last change in the room's `chat` stream.",
    "chat": "The number of the newest change of the conversation that the client knows.",
    "chatMode": "Who may write: `open` everybody, guests too; `members` and hosts; `hosts` alone; `closed` nobody.",
    "clientMessageId": "An id that the sender made up. The same author sending it again gets the first message back.",
    "clock": "What the screen thinks that the server's clock says, in milliseconds since 1970.",
    "code": "The stable code of the error, for programs to decide by.",
    "connections": "How many sockets are open, now.",
    "content": "The text, 1 to 4,000 characters, kept as it was sent and to be shown as text, never as HTML.",
    "createdAt": "When it was made.",
    "createdBy": "The account of the host who did it; null once that is gone.",
    "csv": "The text of a CSV file.",
    "current": "Whether it is the device that asks.",
    "cursor": "The `nextCursor` of the page before this one; without it the first page.",
    "dangerMs": "With how much time left the last warning begins, in milliseconds; on screens never before the last quarter.",
    "deletedAt": "When it was deleted; null while it is there.",
    "deliveries": "How many times a frame was given to a recipient, since the worker started.",
    "deltaMs": "How much time to give, in milliseconds; negative to take it.",
    "description": "A longer text about it; null for none.",
    "details": "What else is known, by key.",
    "duration": "How long it runs, in milliseconds. It can change only while the timer is idle.",
    "editedAt": "When the text was last changed by its author; null if it never was.",
    "email": "The e-mail address of the account.",
    "embeddable": "Whether pages of other sites may show the room in a frame.",
    "endTimestamp": "When a running timer ends, or a finished one ended; null otherwise.",
    "epoch": "The numbering that both numbers belong to. Another one means that numbering began anew, as after a restore.",
    "event": "The name of the event that it is about.",
    "events": "How many events clients have sent, since the worker started.",
    "expiresAt": "When it ends; null where it does not.",
    "expiresIn": "For how many seconds the token is good.",
    "exportedAt": "When the file was made.",
    "fields": "For a POST: the fields of the form, to be sent before the field `file`.",
    "filename": "The name of the file, as people may safely see and save it.",
    "finishedAt": "When its run ended; null until then.",
    "frames": "How many frames were made, since the worker started.",
    "from": "Who did it.",
    "guest": "Who one is from now on.",
    "guestId": "The guest whom it is about; null where it is an account.",
    "guests": "Whether people without an account may come in under a nickname.",
    "handlerErrors": "How many events failed by a fault of ours, since the worker started.",
    "handshakes": "How many sockets were opened, since the worker started.",
    "headers": "For a PUT: the headers to send.",
    "height": "The height of the picture in pixels; null for what is none.",
    "highlight": "An excerpt of the text, in pieces.",
    "history": "What newcomers may read: `all`, what was written `sinceJoin`, or `none`.",
    "id": "Its identifier, a UUID.",
    "ids": "The ids of all timers of the room, each once.",
    "isActive": "Whether the time runs.",
    "isDirect": "Whether it is the direct room of two people.",
    "isGuest": "Whether it is somebody without an account, under a nickname.",
    "isPrivate": "Whether the room is listed for nobody and opened only by its link or an invitation.",
    "isTyping": "Whether one types.",
    "items": "What was asked for, in order.",
    "joined": "How many clients are connected, now.",
    "label": "What hosts call it; null for nothing.",
    "lastSeen": "When they were last seen.",
    "lastSeenAt": "When it last reported.",
    "lastUsedAt": "When it was last used.",
    "limit": "How many entries a page has at most.",
    "malformed": "How many sockets were closed for breaking the protocol, since the worker started.",
    "match": "Whether the piece is what was searched for.",
    "maxUses": "How often it may be used; null for any number of times.",
    "message": "The error in an English sentence, for people.",
    "messageId": "The message's id.",
    "messageType": "What it is: `text`, a `question`, a `stage` line of a host, or a `system` line of the server's.",
    "messages": "The newest messages, the oldest first; empty for who may not read them.",
    "method": "The HTTP method to send the file with.",
    "mime": "The media type of the file.",
    "mutedUntil": "Until when the person may not write; null for who may. Only hosts and that person are told.",
    "name": "The name to show.",
    "nextCursor": "What `cursor` of the next page is; null at the end.",
    "onFinish": "At its end: `stop`, count the `overtime`, or start the `next` timer.",
    "oneTimerAtATime": "Whether starting a timer pauses the others.",
    "onlineUsers": "The ids of the people who are there.",
    "ownerId": "The account of the room's owner.",
    "password": "The password, at least 10 characters for a new one.",
    "pingTimeouts": "How many sockets were closed because no answer to a ping came, since the worker started.",
    "plannedAt": "When the programme has it begin (1970 to 9998), which starts nothing; null where no time is planned.",
    "polling": "How many of the open sockets use HTTP long-polling, now.",
    "position": "Where the room's streams stand.",
    "problems": "What is wrong with the screen: it is `silent`, `behind`, its `clock` is off, its network is `slow`.",
    "question": "What became of the question; null for what is none.",
    "readAt": "When it was read.",
    "reaped": "How many sockets were closed because they never said who they are, since the worker started.",
    "receipts": "Whether people see who has read their messages.",
    "reconnectInMs": "After how many milliseconds to connect again.",
    "refreshToken": "The token by which new tokens are got, once. It ends after days.",
    "refused": "How many sockets were refused, since the worker started.",
    "remainingMs": "How much time is left, in milliseconds; null while the timer runs, when only `endTimestamp` is true.",
    "replyTo": "The id of the message that this one answers; null for none.",
    "retryable": "Whether the same may succeed a little later.",
    "revision": "Goes up by at least one with each change; `If-Match` takes it.",
    "role": "What the person may in the room; each role may all that the ones before it may.",
    "room": "The state of the room.",
    "roomDescription": "What the room says about itself; null for nothing.",
    "roomId": "The room's id.",
    "roomName": "The room's name.",
    "rooms": "How many rooms have sockets on this worker, now.",
    "roundTripMs": "How long a message takes there and back, in milliseconds.",
    "screenId": "An id that the screen made up and keeps, so that it is known again.",
    "seq": "Its number in the room's stream; null where it is in none.",
    "serverNow": "What the server's clock said when this was sent.",
    "settings": "The room's settings.",
    "shareToken": "The secret of the room's share link: whoever has it is a viewer.",
    "silentMs": "How long it has not reported, in milliseconds.",
    "slowCloses": "How many sockets were closed because they read too slowly, since the worker started.",
    "throttled": "How often a socket was not read for a while because it had sent too much, since the worker started.",
    "floods": "How many sockets were closed for sending too much, or what nobody asked for, since the worker started.",
    "slowModeMs": "How long one must wait between two messages, in milliseconds; 0 for not at all.",
    "stage": "What is on the stage.",
    "startTimestamp": "When its run began, which a pause does not change; null before.",
    "startsAt": "When it starts by itself; null for never.",
    "state": "The state that it is in.",
    "style": "How the text is to look; null for as ever.",
    "subject": "Upon what it was done; null for the room itself.",
    "systemMessages": "Whether the conversation tells of joins and of timers.",
    "t": "Any JSON; it comes back as it was.",
    "text": "The text, to be shown as text and never as HTML.",
    "thumbnailUrl": "A signed address of a small picture of it, which soon runs out; null for none.",
    "timerId": "The timer's id.",
    "timers": "The room's timers, in order.",
    "title": "What it is called, in one line.",
    "token": "The secret by which it works.",
    "ts": "When it was made, in milliseconds since 1970.",
    "unreadCount": "How many messages one has not read there; only in lists.",
    "updatedAt": "When it last changed.",
    "upgrades": "How many sockets went from long-polling to WebSocket, since the worker started.",
    "uploadId": "The id of the upload.",
    "uploads": "Whether members may send files.",
    "url": "A signed address, which soon runs out.",
    "user": "Who it is, or whose it is; null for the server's own lines.",
    "userAgent": "What the device's browser calls itself.",
    "userCount": "How many people are in the room, viewers without a name included.",
    "userId": "The id of the account or guest; null for nobody.",
    "username": "The name to mention somebody by, unique among accounts.",
    "users": "The people who are there.",
    "uses": "How often it was used.",
    "visible": "Whether the text is shown.",
    "votes": "How many people want the question answered.",
    "warnMs": "With how much time left the first warning begins, in milliseconds; on screens never before half of the time.",
    "width": "The width of the picture in pixels; null for what is none.",
    "workerId": "The worker that answers.",
    "writes": "How many system calls wrote the frames, since the worker started.",
    "you": "Who the reader is in this room.",
}
#: Where a key means something else, by the schema's name and the key.
SPECIAL = {
    "AuditEntry.action": "What was done.",
    "AuditEntry.event": "The name of the event by which clients heard of it; the action's own where they did not.",
    "AuditEntry.seq": "The number of that event in the room's `room` stream; null where it is not in it.",
    "AuditEntry.details": "A few words more, by the action: `role` of a membership, `mutedUntil`, `title` of a timer, the"
    " names of what was `changed`, the `deltaMs` that were given to a timer.",
    "AuditSubject.kind": "What kind of thing it is.",
    "Ban.reason": "Why, in the host's words; null for no words. Only hosts are told.",
    "ChangePassword.current": "The password as it is.",
    "ChangePassword.new": "The new password, at least 10 characters.",
    "ErrorEvent.details": "What is wrong, by key: lists of sentences.",
    "ErrorEvent.event": "The client's event that failed.",
    "InitUpload.bytes": "The exact size of the file in bytes.",
    "JoinRoom.position": "Where the client is, if it was here before: what it missed comes, and not everything.",
    "Notification.kind": "Why: one was mentioned (`mention`), let in (`invite`), or written to in a room of two (`direct`).",
    "Notification.messageId": "The message that it is about; not there for an invitation.",
    "NewBan.reason": "Why, in words of one's own; null for no words.",
    "Position.room": "The number of the newest change of the room, its timers and its stage that the client knows.",
    "RequestSync.position": "Where the client is; without it everything is told.",
    "RoomLeft.reason": "Why: one `left`, was `removed` or `banned`, the room was `deleted`, the link one came by was `rotated`,"
    " or a changed role or setting shuts one out.",
    "Screen.kind": "Which page it shows.",
    "Screen.revision": "The last number of the room's stream that it has applied.",
    "ScreenBoard.revision": "The newest number of the room's `room` stream.",
    "ScreenReport.kind": "Which page it shows.",
    "ScreenReport.revision": "The last number of the room's stream that the screen has applied.",
    "Timer.position": "Its place in the run of show, from 0; places may be left out.",
    "TimerChange.position": "Its place in the run of show, from 0; places may be left out.",
    "TimerAction.action": "What to do with the timer; `adjust` needs `deltaMs`.",
    "Part.text": "The piece of the text, as it was written.",
    "Stage.text": "The text for everybody to see, at most 500 characters.",
    "UploadTicket.url": "The address to send the file to.",
}
PARAMETERS = {
    "afterChange": "Walk forward instead: only what changed after this number, by `changeSeq`.",
    "attachment_id": "The attachment's id.",
    "ban_id": "The ban's id.",
    "guest_id": "The guest's id.",
    "link_id": "The invitation's id.",
    "message_id": "The message's id.",
    "q": "The words to search for; the last may be the beginning of one.",
    "room_id": "The room's id; for reading also its share token.",
    "session_id": "The device's id.",
    "share_token": "The room's share token.",
    "timer_id": "The timer's id.",
    "token": "The token that the address was given with.",
    "user_id": "The account's id.",
}


def describe_schemas(schemas: Json, refs: dict[Any, str]) -> None:
    """Say of each of `schemas`, which `refs` (apispec's) names, what it is, and of each of its keys what that means."""
    for key, name in refs.items():
        schema, kind = schemas[name], key[0]
        if words := _about(kind):
            schema.setdefault("description", words)
        plain = kind.__name__.removesuffix("Schema")
        for field, known in schema.get("properties", {}).items():
            if meaning := SPECIAL.get(f"{plain}.{field}") or WORDS.get(field):
                known.setdefault("description", meaning)


def describe_parameters(parameters: list[Json]) -> None:
    """The same of an operation's parameters."""
    for parameter in parameters:
        words = PARAMETERS.get(parameter["name"]) or WORDS.get(parameter["name"])
        if words:
            parameter.setdefault("description", words)


def _about(kind: type[Schema]) -> str:
    """The docstring of the class itself, in one line; of a page what it is a page of."""
    if kind.__dict__.get("__doc__"):
        return " ".join(inspect.cleandoc(str(kind.__doc__)).split())
    name = kind.__name__.removesuffix("Schema")
    return "A page of the list, and where the next one begins." if name.endswith("Page") else ""
