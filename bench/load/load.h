/* The load generator: thousands of Socket.IO clients over WebSocket in one epoll loop of one thread.
 *
 * It does as little as it can for what it counts: a client that is only counted has its bytes dropped by the kernel
 * (MSG_TRUNC, no copy), a few sampled ones are parsed frame by frame, and the two must agree.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum state { CLOSED, CONNECTING, UPGRADING, OPENING, CONNECTED, JOINING, JOINED };

struct client {
    int fd;
    enum state state;
    bool counted;       /* its bytes are dropped unread */
    bool dirty;         /* inside a frame when the counting began: cannot be parsed again */
    char *source, *token, *room;
    char *part;         /* the beginning of a frame whose rest has not come */
    size_t part_size;
    int in_flight;
    uint64_t sent_at[64];
    unsigned next_id;   /* ack ids of messages; the join has 0 */
};

struct samples {
    uint64_t *values;
    size_t count, room;
};

struct totals {
    uint64_t bytes_counted, bytes_parsed, frames, message_bytes, acked, refused, closed;
    struct samples acks, deliveries;
};

extern struct client *clients;
extern int client_count;
extern struct totals totals;
extern int quiet_count; /* while not 0: latencies are those of the first so many clients, and the others fire */

uint64_t now_ns(void);
void sample(struct samples *samples, uint64_t value);
double percentile_ms(struct samples *samples, double share);

/* net.c */
void net_begin(int port);
void open_client(struct client *client);
void close_client(struct client *client);
void send_text(struct client *client, const char *text, size_t size);
bool turn(int timeout_ms); /* serve what is ready once; whether a command waits on standard input */

/* scenario.c: what happens at each step of a client's life */
void on_joined(struct client *client, bool ok);
void on_ack(struct client *client, unsigned id, bool ok);
void on_connected(struct client *client, bool ok);
bool run_command(char *line); /* false: quit */

#endif
