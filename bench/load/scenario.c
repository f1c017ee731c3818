/* The commands: connect, join, fire, pace, beside, idle, storm. Each answers one line of JSON. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIMIT_NS 120000000000u

clockid_t server_clock;
int quiet_count;
static int going, done, failed;
static int in_flight_most, content_size;
static bool is_firing, is_measuring;
static char content[8192];
static struct totals before;

static double cpu_s(clockid_t clock) {
    struct timespec used;
    return clock_gettime(clock, &used) ? 0 : (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

struct stopwatch { uint64_t at; double server_s, own_s; };

static struct stopwatch start(void) {
    return (struct stopwatch){now_ns(), cpu_s(server_clock), cpu_s(CLOCK_PROCESS_CPUTIME_ID)};
}

static void print_times(struct stopwatch since) {
    printf("\"seconds\":%.4f,\"server_cpu_s\":%.4f,\"generator_cpu_s\":%.4f", (double)(now_ns() - since.at) / 1e9,
           cpu_s(server_clock) - since.server_s, cpu_s(CLOCK_PROCESS_CPUTIME_ID) - since.own_s);
}

void on_connected(struct client *client, bool ok) {
    (void)client;
    going--;
    if (ok) done++;
    else failed++;
}

void on_joined(struct client *client, bool ok) {
    client->state = ok ? JOINED : CONNECTED;
    on_connected(client, ok);
}

static void ask_join(struct client *client) {
    char text[256];
    int size = snprintf(text, sizeof text, "420[\"join-room\",{\"roomId\":\"%s\"}]", client->room);
    client->state = JOINING;
    send_text(client, text, (size_t)size);
}

/* Take every client through a step, `width` of them at a time. */
static void take_all(const char *what, int width, void (*step)(struct client *), enum state from) {
    struct stopwatch since = start();
    going = done = failed = 0;
    int next = 0;
    while ((next < client_count || going) && now_ns() - since.at < LIMIT_NS) {
        for (; next < client_count && going < width; next++) {
            if (clients[next].state != from) continue;
            going++;
            step(&clients[next]);
        }
        if (going) turn(1000);
    }
    printf("{\"%s\":%d,\"failed\":%d,", what, done, failed + going);
    print_times(since);
    printf("}\n");
}

static void send_message(struct client *client) {
    static char text[16384];
    unsigned id = ++client->next_id;
    uint64_t now = now_ns();
    /* The same people send in many runs: an id that was used before would be answered, not sent. */
    static unsigned long long run_number;
    if (!run_number) run_number = now;
    client->sent_at[id % 64] = now;
    int stamp = snprintf(content, sizeof content, "~%llu~", (unsigned long long)now);
    memset(content + stamp, 'x', (size_t)(content_size - stamp));
    int size = snprintf(text, sizeof text,
                        "42%u[\"send-message\",{\"roomId\":\"%s\",\"content\":\"%.*s\",\"clientMessageId\":\"%llx-%d-%u\"}]", id,
                        client->room, content_size, content, run_number, (int)(client - clients), id);
    client->in_flight++;
    send_text(client, text, (size_t)size);
}

void on_ack(struct client *client, unsigned id, bool ok) {
    client->in_flight--;
    if (ok) {
        totals.acked++;
        if (is_measuring) sample(&totals.acks, now_ns() - client->sent_at[id % 64]);
    }
    if (is_firing && in_flight_most && client - clients >= quiet_count) send_message(client);
}

static void run_until(uint64_t end) {
    while (now_ns() < end) turn((int)((end - now_ns()) / 1000000) + 1);
}

/* Every so many milliseconds the next sender sends, whether earlier messages were acked or not. */
static void pace_until(uint64_t end, int senders, double per_second) {
    uint64_t next = now_ns(), step = (uint64_t)(1e9 / per_second);
    for (int i = 0; next < end; next += step, i = (i + 1) % senders) {
        while (now_ns() < next) turn(now_ns() + 1000000 < next ? (int)((next - now_ns()) / 1000000) : 0);
        if (clients[i].state == JOINED) send_message(&clients[i]);
    }
}

static void begin_measuring(void) {
    before = totals;
    totals.acks.count = totals.deliveries.count = 0;
    is_measuring = true;
}

static void print_measured(struct stopwatch since) {
    is_measuring = false;
    printf("{");
    print_times(since);
    printf(",\"acked\":%llu,\"refused\":%llu,\"closed\":%llu,\"bytes_counted\":%llu,\"bytes_parsed\":%llu,"
           "\"frames_parsed\":%llu,\"message_bytes\":%llu",
           (unsigned long long)(totals.acked - before.acked), (unsigned long long)(totals.refused - before.refused),
           (unsigned long long)(totals.closed - before.closed),
           (unsigned long long)(totals.bytes_counted - before.bytes_counted),
           (unsigned long long)(totals.bytes_parsed - before.bytes_parsed),
           (unsigned long long)(totals.frames - before.frames),
           (unsigned long long)(totals.message_bytes - before.message_bytes));
    printf(",\"ack_p50_ms\":%.3f,\"ack_p99_ms\":%.3f", percentile_ms(&totals.acks, .5), percentile_ms(&totals.acks, .99));
    printf(",\"delivery_p50_ms\":%.3f,\"delivery_p99_ms\":%.3f,\"delivery_max_ms\":%.3f}\n",
           percentile_ms(&totals.deliveries, .5), percentile_ms(&totals.deliveries, .99),
           percentile_ms(&totals.deliveries, 1));
}

/* What is in the sockets comes in until nothing has come for a while, so that nobody is behind at the next command. */
static void settle(void) {
    uint64_t seen, end = now_ns() + 15000000000u;
    do {
        seen = totals.bytes_counted + totals.bytes_parsed;
        run_until(now_ns() + 400000000u);
    } while (seen != totals.bytes_counted + totals.bytes_parsed && now_ns() < end);
}

/* Whoever neither sends nor is sampled is only counted. */
static void count_others(int senders, int sampled) {
    for (int i = senders + sampled; i < client_count; i++) clients[i].counted = true;
}

static void fire(int senders, int width, double seconds, int size, int sampled) {
    in_flight_most = width;
    content_size = size;
    count_others(senders, sampled);
    is_firing = true;
    for (int i = 0; i < senders; i++)
        for (int k = 0; k < width; k++) send_message(&clients[i]);
    run_until(now_ns() + 1000000000u);
    struct stopwatch since = start();
    begin_measuring();
    run_until(now_ns() + (uint64_t)(seconds * 1e9));
    print_measured(since);
    is_firing = false;
    settle();
}

static void pace(int senders, double per_second, double seconds, int size) {
    in_flight_most = 0;
    content_size = size;
    pace_until(now_ns() + 1000000000u, senders, per_second);
    struct stopwatch since = start();
    begin_measuring();
    pace_until(now_ns() + (uint64_t)(seconds * 1e9), senders, per_second);
    print_measured(since);
    settle();
}

/* The first `quiet` clients, in a room of their own, at their pace, beside a room under fire. */
static void beside(int quiet, double per_second, int senders, int width, double seconds, int size) {
    in_flight_most = width;
    content_size = size;
    quiet_count = quiet;
    count_others(quiet, senders);
    is_firing = true;
    for (int i = quiet; i < quiet + senders; i++)
        for (int k = 0; k < width; k++) send_message(&clients[i]);
    pace_until(now_ns() + 1000000000u, quiet, per_second);
    struct stopwatch since = start();
    begin_measuring();
    pace_until(now_ns() + (uint64_t)(seconds * 1e9), quiet, per_second);
    print_measured(since);
    is_firing = false;
    settle();
    quiet_count = 0;
}

static void idle(double seconds) {
    struct stopwatch since = start();
    uint64_t closed = totals.closed;
    run_until(now_ns() + (uint64_t)(seconds * 1e9));
    printf("{\"closed\":%llu,", (unsigned long long)(totals.closed - closed));
    print_times(since);
    printf("}\n");
}

static void storm(void) {
    struct stopwatch since = start();
    for (int i = 0; i < client_count; i++) close_client(&clients[i]);
    printf("{");
    print_times(since);
    printf("}\n");
}

bool run_command(char *line) {
    int senders, width, size, sampled, quiet;
    double seconds, rate;
    if (sscanf(line, "connect %d", &width) == 1) take_all("connected", width, open_client, CLOSED);
    else if (sscanf(line, "join %d", &width) == 1) take_all("joined", width, ask_join, CONNECTED);
    else if (sscanf(line, "fire %d %d %lf %d %d", &senders, &width, &seconds, &size, &sampled) == 5)
        fire(senders, width, seconds, size, sampled);
    else if (sscanf(line, "pace %d %lf %lf %d", &senders, &rate, &seconds, &size) == 4) pace(senders, rate, seconds, size);
    else if (sscanf(line, "beside %d %lf %d %d %lf %d", &quiet, &rate, &senders, &width, &seconds, &size) == 6)
        beside(quiet, rate, senders, width, seconds, size);
    else if (sscanf(line, "idle %lf", &seconds) == 1) idle(seconds);
    else if (strcmp(line, "storm\n") == 0) storm();
    else return false;
    return true;
}
