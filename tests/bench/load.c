/* Load on one HTTP endpoint: one thread, epoll, keep-alive POSTs of one body. Prints one JSON object.
 *
 *   load -a HOST:PORT -p PATH -b BODY_FILE -c CONNECTIONS -d SECONDS [-w WARM_UP_SECONDS]
 *        [-r REQUESTS_PER_SECOND] [-H 'name: value']... [-e EXPECTED_TEXT] [-n LEAST_DATA_LINES]
 *
 * Without -r each connection sends as soon as it was answered. With -r requests leave on a fixed
 * schedule and latency counts from the scheduled moment, so a stalled server cannot hide its queue.
 * Only an answer with status 200, the expected text and enough "data:" lines counts as one.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 17 };
enum { SIZE, SIZE_EXTENSION, DATA, DATA_END, TRAILER, TRAILER_LINE };

typedef struct {
  int fd, busy, in_body, closing, status, length, chunked, chunk_state;
  long content_length, chunk_left, body_length;
  uint64_t sent_ns, first_byte_ns;
  char *buffer, *body;
} Connection;

typedef struct {
  uint32_t *us;
  size_t count, room;
} Samples;

static Connection *connections;
static int connection_count = 1, least_data, epoll_fd;
static double seconds = 3, warm_up = 1, rate;
static const char *expected = "usage";
static char *request, headers[8192], first_error[256];
static int request_bytes;
static struct sockaddr_in address;
static uint64_t start_ns, measure_ns, end_ns;
static long issued, answered, errors;
static Samples latency, first_byte;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void add(Samples *s, uint64_t ns) {
  if (s->count == s->room) s->us = realloc(s->us, (s->room = s->room ? s->room * 2 : 65536) * sizeof *s->us);
  s->us[s->count++] = ns / 1000;
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static double at(Samples *s, double share) { return s->count ? s->us[(size_t)(share * (s->count - 1) + .5)] / 1000.0 : 0; }

static int dial(Connection *c) {
  int on = 1;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(c->fd, (void *)&address, sizeof address)) { close(c->fd); c->fd = -1; return -1; }
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event);
  return 0;
}

static void hang_up(Connection *c) { close(c->fd); c->fd = -1; }

static void failed(Connection *c, const char *why) {
  if (now_ns() >= measure_ns) errors++;
  if (*first_error) return;
  snprintf(first_error, sizeof first_error, "%s, status %d: %.120s", why, c->status, c->body_length ? c->body : "");
  for (char *p = first_error; *p; p++) if (*p == '"' || *p == '\\' || (unsigned char)*p < 32) *p = ' ';
}

static void fire(Connection *c, uint64_t due_ns) {
  c->busy = 1;
  c->length = c->in_body = c->closing = c->status = c->chunk_state = 0;
  c->body_length = 0;
  c->first_byte_ns = 0;
  c->sent_ns = due_ns;
  for (int sent = 0, tries = 0; sent < request_bytes;) {
    ssize_t n = c->fd < 0 ? -1 : send(c->fd, request + sent, request_bytes - sent, MSG_NOSIGNAL);
    if (n > 0) { sent += n; continue; }
    if (c->fd >= 0) hang_up(c);
    if (tries++ || dial(c)) { failed(c, "connect"); c->busy = 0; return; }
    sent = 0;
  }
}

static uint64_t scheduled_ns(long k) { return start_ns + (uint64_t)(k * 1e9 / rate); }

static void next(Connection *c) {
  uint64_t now = now_ns();
  if (now >= end_ns) return;
  if (rate <= 0) fire(c, now);
  else if (scheduled_ns(issued) <= now) fire(c, scheduled_ns(issued++));
}

static int data_lines(const char *body) {
  int n = 0;
  for (const char *p = body; (p = strstr(p, "data:")); p += 5) n++;
  return n;
}

static void done(Connection *c) {
  uint64_t now = now_ns();
  c->busy = 0;
  c->body[c->body_length] = 0;
  if (c->status != 200 || !strstr(c->body, expected) || (least_data && data_lines(c->body) < least_data)) failed(c, "wrong answer");
  else if (now >= measure_ns && now <= end_ns) {
    answered++;
    add(&latency, now - c->sent_ns);
    add(&first_byte, c->first_byte_ns - c->sent_ns);
  }
  if (c->closing) hang_up(c);
  next(c);
}

static void keep(Connection *c, const char *bytes, long count) {
  if (!count) return;
  if (!c->first_byte_ns) c->first_byte_ns = now_ns();
  if (c->body_length + count >= BUFFER) count = BUFFER - 1 - c->body_length;
  memcpy(c->body + c->body_length, bytes, count);
  c->body_length += count;
}

/* Takes body bytes; true when the answer is complete. */
static int feed(Connection *c, const char *p, int n) {
  if (!c->chunked) { keep(c, p, n); return c->content_length >= 0 && c->body_length >= c->content_length; }
  for (int i = 0; i < n;) {
    switch (c->chunk_state) {
      case SIZE: {
        char h = p[i++];
        if (h == '\n') c->chunk_state = c->chunk_left ? DATA : TRAILER;
        else if (h == ';') c->chunk_state = SIZE_EXTENSION;
        else if (h >= '0' && h <= '9') c->chunk_left = c->chunk_left * 16 + h - '0';
        else if ((h | 32) >= 'a' && (h | 32) <= 'f') c->chunk_left = c->chunk_left * 16 + (h | 32) - 'a' + 10;
        break;
      }
      case SIZE_EXTENSION: if (p[i++] == '\n') c->chunk_state = c->chunk_left ? DATA : TRAILER; break;
      case DATA: {
        long take = n - i < c->chunk_left ? n - i : c->chunk_left;
        keep(c, p + i, take);
        i += take;
        if (!(c->chunk_left -= take)) c->chunk_state = DATA_END;
        break;
      }
      case DATA_END: if (p[i++] == '\n') c->chunk_state = SIZE; break;
      case TRAILER: {
        char h = p[i++];
        if (h == '\n') return 1;
        if (h != '\r') c->chunk_state = TRAILER_LINE;
        break;
      }
      case TRAILER_LINE: if (p[i++] == '\n') c->chunk_state = TRAILER; break;
    }
  }
  return 0;
}

static void read_head(Connection *c, char *end) {
  c->status = atoi(c->buffer + 9);
  c->content_length = -1;
  c->chunked = 0;
  c->chunk_left = 0;
  for (char *line = c->buffer; line < end;) {
    char *next_line = memmem(line, end + 2 - line, "\r\n", 2);
    if (!next_line) break;
    if (!strncasecmp(line, "content-length:", 15)) c->content_length = atol(line + 15);
    else if (!strncasecmp(line, "transfer-encoding:", 18)) c->chunked = 1;
    else if (!strncasecmp(line, "connection:", 11) && memmem(line, next_line - line, "close", 5)) c->closing = 1;
    line = next_line + 2;
  }
  c->in_body = 1;
}

static void readable(Connection *c) {
  if (c->fd < 0) return;
  ssize_t got = recv(c->fd, c->buffer + c->length, BUFFER - 1 - c->length, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    hang_up(c);
    if (!c->busy) return;
    if (c->in_body && !c->chunked && c->content_length < 0) { c->closing = 0; done(c); return; }
    failed(c, "closed");
    c->busy = 0;
    next(c);
    return;
  }
  if (!c->busy) return;
  if (c->in_body) { if (feed(c, c->buffer, got)) done(c); return; }
  c->length += got;
  char *end = memmem(c->buffer, c->length, "\r\n\r\n", 4);
  if (!end) return;
  read_head(c, end);
  int head = end + 4 - c->buffer, rest = c->length - head;
  c->length = 0;
  if (feed(c, c->buffer + head, rest) || (!c->chunked && !c->content_length)) done(c);
}

static void run_schedule(int timer_fd) {
  static int turn;
  for (int k = 0; k < connection_count && scheduled_ns(issued) <= now_ns(); k++) {
    Connection *c = &connections[turn++ % connection_count];
    if (!c->busy) fire(c, scheduled_ns(issued++));
  }
  uint64_t now = now_ns(), due = scheduled_ns(issued);
  if (due <= now) due = now + 100000;
  struct itimerspec spec = {.it_value = {due / 1000000000, due % 1000000000}};
  timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void read_options(int count, char **args) {
  char host[64] = "127.0.0.1", *body_file = NULL;
  const char *path = "/";
  int port = 80;
  for (int option; (option = getopt(count, args, "a:p:b:c:d:w:r:H:e:n:")) > 0;) switch (option) {
    case 'a': sscanf(optarg, "%63[^:]:%d", host, &port); break;
    case 'p': path = optarg; break;
    case 'b': body_file = optarg; break;
    case 'c': connection_count = atoi(optarg); break;
    case 'd': seconds = atof(optarg); break;
    case 'w': warm_up = atof(optarg); break;
    case 'r': rate = atof(optarg); break;
    case 'H': strcat(strcat(headers, optarg), "\r\n"); break;
    case 'e': expected = optarg; break;
    case 'n': least_data = atoi(optarg); break;
    default: exit(2);
  }
  FILE *file = body_file ? fopen(body_file, "rb") : NULL;
  if (!file) { perror("load: body"); exit(2); }
  char *body = malloc(1 << 20);
  int bytes = fread(body, 1, 1 << 20, file);
  fclose(file);
  request = malloc(bytes + sizeof headers + 1024);
  request_bytes = sprintf(request, "POST %s HTTP/1.1\r\nhost: %s:%d\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%s\r\n", path, host, port, bytes, headers);
  memcpy(request + request_bytes, body, bytes);
  request_bytes += bytes;
  address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, host, &address.sin_addr);
}

int main(int count, char **args) {
  signal(SIGPIPE, SIG_IGN);
  read_options(count, args);
  epoll_fd = epoll_create1(0);
  int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  connections = calloc(connection_count, sizeof *connections);
  for (int i = 0; i < connection_count; i++) {
    connections[i].buffer = malloc(BUFFER);
    connections[i].body = malloc(BUFFER);
    if (dial(&connections[i])) { perror("load: connect"); return 1; }
  }
  start_ns = now_ns();
  measure_ns = start_ns + (uint64_t)(warm_up * 1e9);
  end_ns = measure_ns + (uint64_t)(seconds * 1e9);
  if (rate > 0) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event);
  } else for (int i = 0; i < connection_count; i++) next(&connections[i]);
  struct epoll_event ready[256];
  while (now_ns() < end_ns) {
    if (rate > 0) run_schedule(timer_fd);
    int n = epoll_wait(epoll_fd, ready, 256, 100);
    for (int i = 0; i < n; i++) {
      uint64_t ticks;
      if (ready[i].data.ptr) readable(ready[i].data.ptr);
      else if (read(timer_fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN) perror("timerfd");
    }
    if (rate <= 0 && !n) for (int i = 0; i < connection_count; i++) if (!connections[i].busy) next(&connections[i]);
  }
  qsort(latency.us, latency.count, sizeof *latency.us, ascending);
  qsort(first_byte.us, first_byte.count, sizeof *first_byte.us, ascending);
  printf("{\"per_s\":%.1f,\"answered\":%ld,\"errors\":%ld,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"first_byte_p50_ms\":%.3f,\"first_byte_p99_ms\":%.3f,\"first_error\":\"%s\"}\n",
         answered / seconds, answered, errors, at(&latency, .5), at(&latency, .99), at(&first_byte, .5), at(&first_byte, .99), first_error);
}
