/* Sockets, WebSocket framing and Engine.IO packets. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER (1 << 20)
#define MASK "\x37\xfa\x21\x3d"

static int poller, port_number;
static char buffer[2 * BUFFER];

void net_begin(int port) {
    port_number = port;
    poller = epoll_create1(0);
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &input);
}

void close_client(struct client *client) {
    if (client->state == CLOSED) return;
    struct linger at_once = {1, 0};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(client->fd);
    free(client->part);
    client->part = NULL;
    client->part_size = 0;
    client->state = CLOSED;
}

void open_client(struct client *client) {
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port_number)};
    inet_pton(AF_INET, client->source, &from.sin_addr);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int one = 1;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    client->state = CONNECTING;
    client->counted = false;
    bool bound = bind(client->fd, (struct sockaddr *)&from, sizeof from) == 0;
    if (!bound || (connect(client->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)) {
        perror("connect");
        close_client(client);
        on_connected(client, false);
        return;
    }
    struct epoll_event events = {.events = EPOLLIN | EPOLLOUT, .data.ptr = client};
    epoll_ctl(poller, EPOLL_CTL_ADD, client->fd, &events);
}

/* What a client sends is small: a socket that does not take it whole is a broken run. */
static void write_all(struct client *client, const char *data, size_t size) {
    if (send(client->fd, data, size, MSG_NOSIGNAL) != (ssize_t)size && errno != EPIPE && errno != ECONNRESET) {
        perror("send");
        exit(2);
    }
}

void send_text(struct client *client, const char *text, size_t size) {
    static char frame[1 << 16];
    size_t head = 2;
    frame[0] = (char)0x81;
    if (size < 126) {
        frame[1] = (char)(0x80 | size);
    } else {
        frame[1] = (char)(0x80 | 126);
        frame[2] = (char)(size >> 8);
        frame[3] = (char)size;
        head = 4;
    }
    memcpy(frame + head, MASK, 4);
    for (size_t i = 0; i < size; i++) frame[head + 4 + i] = text[i] ^ MASK[i & 3];
    write_all(client, frame, head + 4 + size);
}

static void ask_upgrade(struct client *client) {
    char request[512];
    int size = snprintf(request, sizeof request,
                        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                        port_number);
    struct epoll_event events = {.events = EPOLLIN, .data.ptr = client};
    epoll_ctl(poller, EPOLL_CTL_MOD, client->fd, &events);
    client->state = UPGRADING;
    write_all(client, request, (size_t)size);
}

static void begins_session(struct client *client) {
    char text[4096];
    int size = client->token[0] == '-' ? snprintf(text, sizeof text, "40")
                                       : snprintf(text, sizeof text, "40{\"token\":\"%s\"}", client->token);
    send_text(client, text, (size_t)size);
}

/* The instant that a measured message carries: "~<nanoseconds>~" at the start of its content. */
static void note_delivery(const char *text, size_t size) {
    const char *mark = memmem(text, size, "\"content\":\"~", 12);
    if (mark) sample(&totals.deliveries, now_ns() - strtoull(mark + 12, NULL, 10));
}

static bool starts(const char *text, size_t size, const char *with) {
    size_t length = strlen(with);
    return size >= length && memcmp(text, with, length) == 0;
}

static void take_ack(struct client *client, const char *text, size_t size) {
    char *rest;
    unsigned id = (unsigned)strtoul(text + 2, &rest, 10);
    bool ok = starts(rest, size - (size_t)(rest - text), "[{\"ok\":true");
    if (!ok && totals.refused++ < 3) fprintf(stderr, "refused: %.*s\n", (int)(size < 300 ? size : 300), text);
    if (client->state == JOINING) on_joined(client, ok);
    else on_ack(client, id, ok);
}

static void take_packet(struct client *client, const char *text, size_t size) {
    if (starts(text, size, "42[\"message-received\"")) {
        totals.frames++;
        totals.message_bytes += size + (size < 126 ? 2 : 4);
        if (!quiet_count || client - clients < quiet_count) note_delivery(text, size);
    } else if (starts(text, size, "43")) {
        take_ack(client, text, size);
    } else if (text[0] == '2') {
        send_text(client, "3", 1);
    } else if (text[0] == '0') {
        client->state = OPENING;
        begins_session(client);
    } else if (starts(text, size, "40")) {
        client->state = CONNECTED;
        on_connected(client, true);
    } else if (starts(text, size, "44") || starts(text, size, "41")) {
        fprintf(stderr, "refused: %.*s\n", (int)size, text);
        close_client(client);
        on_connected(client, false);
    }
}

/* Take whole frames from `data`; returns how many bytes they were. */
static size_t take_frames(struct client *client, const unsigned char *data, size_t size) {
    size_t at = 0;
    while (client->state != CLOSED && size - at >= 2) {
        size_t head = 2, length = data[at + 1] & 127;
        if (length == 126) {
            if (size - at < 4) break;
            length = (size_t)data[at + 2] << 8 | data[at + 3];
            head = 4;
        } else if (length == 127) {
            if (size - at < 10) break;
            length = 0;
            for (int i = 2; i < 10; i++) length = length << 8 | data[at + i];
            head = 10;
        }
        if (size - at < head + length) break;
        if ((data[at] & 15) == 1 && length) take_packet(client, (const char *)data + at + head, length);
        at += head + length;
    }
    return at;
}

static size_t take_answer(struct client *client, const char *data, size_t size) {
    const char *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end) return 0;
    if (!starts(data, size, "HTTP/1.1 101")) {
        fprintf(stderr, "refused: %.*s\n", (int)(size < 200 ? size : 200), data);
        close_client(client);
        on_connected(client, false);
        return 0;
    }
    client->state = OPENING;
    return (size_t)(end + 4 - data);
}

static void keep_part(struct client *client, const char *data, size_t size) {
    free(client->part);
    client->part = size ? malloc(size) : NULL;
    client->part_size = size;
    if (size) memcpy(client->part, data, size);
}

static void lost(struct client *client) {
    bool was_opening = client->state < CONNECTED;
    totals.closed++;
    close_client(client);
    if (was_opening) on_connected(client, false);
}

static void receive(struct client *client) {
    if (client->counted) {
        ssize_t size = recv(client->fd, buffer, BUFFER, MSG_TRUNC);
        if (size > 0) totals.bytes_counted += (uint64_t)size;
        else if (size == 0 || errno != EAGAIN) lost(client);
        return;
    }
    if (client->part_size > BUFFER) exit(2);
    if (client->part_size) memcpy(buffer, client->part, client->part_size);
    ssize_t size = recv(client->fd, buffer + client->part_size, BUFFER, 0);
    if (size <= 0) {
        if (size == 0 || errno != EAGAIN) lost(client);
        return;
    }
    totals.bytes_parsed += (uint64_t)size;
    size_t whole = client->part_size + (size_t)size;
    size_t at = client->state == UPGRADING ? take_answer(client, buffer, whole) : 0;
    if (client->state > UPGRADING) at += take_frames(client, (unsigned char *)buffer + at, whole - at);
    if (client->state != CLOSED) keep_part(client, buffer + at, whole - at);
}

static void serve(struct client *client, uint32_t events) {
    if (client->state == CLOSED) return;
    if (client->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) lost(client);
        else if (events & EPOLLOUT) ask_upgrade(client);
        return;
    }
    receive(client);
}

bool turn(int timeout_ms) {
    static struct epoll_event events[1024];
    bool command = false;
    int count = epoll_wait(poller, events, 1024, timeout_ms);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == NULL) command = true;
        else serve(events[i].data.ptr, events[i].events);
    }
    return command;
}
