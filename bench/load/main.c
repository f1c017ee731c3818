/* load PORT SERVER_PID PEOPLE: one client for each line "source token room" of the file PEOPLE; commands on standard input. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct client *clients;
int client_count;
struct totals totals;
extern clockid_t server_clock;

uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void sample(struct samples *samples, uint64_t value) {
    if (samples->count == samples->room) {
        samples->room = samples->room ? 2 * samples->room : 1024;
        samples->values = realloc(samples->values, samples->room * sizeof *samples->values);
    }
    samples->values[samples->count++] = value;
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

double percentile_ms(struct samples *samples, double share) {
    if (!samples->count) return 0;
    qsort(samples->values, samples->count, sizeof *samples->values, by_value);
    return (double)samples->values[(size_t)(share * (double)(samples->count - 1))] / 1e6;
}

static void read_people(const char *path) {
    static char line[4096];
    FILE *file = fopen(path, "r");
    int room = 0;
    if (!file) exit((perror(path), 2));
    while (fgets(line, sizeof line, file)) {
        if (client_count == room) clients = realloc(clients, (size_t)(room = room ? 2 * room : 64) * sizeof *clients);
        struct client *client = &clients[client_count++];
        memset(client, 0, sizeof *client);
        client->source = strdup(strtok(line, " \n"));
        client->token = strdup(strtok(NULL, " \n"));
        client->room = strdup(strtok(NULL, " \n"));
    }
    fclose(file);
}

int main(int count, char **words) {
    static char line[256];
    if (count != 4) return 2;
    read_people(words[3]);
    if (clock_getcpuclockid(atoi(words[2]), &server_clock)) return 2;
    net_begin(atoi(words[1]));
    for (;;) {
        while (!turn(1000)) {
        }
        if (!fgets(line, sizeof line, stdin) || !run_command(line)) return 0;
        fflush(stdout);
    }
}
