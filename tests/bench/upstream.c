/* A provider for benchmarks: one thread, epoll, OpenAI's chat completions, no work worth measuring.
 *
 *   upstream PORT
 *
 * A marker in any message sets the timing of that answer, in microseconds: [[wait=50000 gap=1000]].
 * With "stream":true the answer is 20 chunks and [DONE], one write each; otherwise one body.
 * The request is found by Content-Length or by the last chunk of a chunked body.
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

enum { CHUNKS = 21, MAX_FDS = 16384, BUFFER = 1 << 18 };

typedef struct {
  int fd, length, answering, streaming, next_chunk;
  int gap_us;
  unsigned generation;
  char *buffer;
} Connection;

typedef struct {
  uint64_t due_us;
  int fd;
  unsigned generation;
} Timer;

static Connection connections[MAX_FDS];
static Timer timers[MAX_FDS]; /* a heap; a connection waits for one timer at most */
static int timer_count, epoll_fd, timer_fd;
static char whole[2048], stream_head[256], chunks[CHUNKS][768];
static int whole_length, stream_head_length, chunk_length[CHUNKS];

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void arm(void) {
  struct itimerspec spec = {0};
  if (timer_count) {
    spec.it_value.tv_sec = timers[0].due_us / 1000000;
    spec.it_value.tv_nsec = timers[0].due_us % 1000000 * 1000 + 1;
  }
  timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void wait_for(Connection *c, int delay_us) {
  Timer timer = {now_us() + delay_us, c->fd, c->generation};
  int i = timer_count++;
  for (; i && timers[(i - 1) / 2].due_us > timer.due_us; i = (i - 1) / 2) timers[i] = timers[(i - 1) / 2];
  timers[i] = timer;
  if (!i) arm();
}

static Timer take_timer(void) {
  Timer first = timers[0], last = timers[--timer_count];
  int i = 0;
  for (int child; (child = 2 * i + 1) < timer_count; i = child) {
    if (child + 1 < timer_count && timers[child + 1].due_us < timers[child].due_us) child++;
    if (timers[child].due_us >= last.due_us) break;
    timers[i] = timers[child];
  }
  timers[i] = last;
  return first;
}

static void hang_up(Connection *c) {
  close(c->fd);
  c->fd = -1;
  c->generation++;
  c->length = c->answering = 0;
}

static int put(Connection *c, const char *bytes, int count) {
  while (count > 0) {
    ssize_t sent = send(c->fd, bytes, count, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) { usleep(50); continue; }
    if (sent < 0) { hang_up(c); return -1; }
    bytes += sent;
    count -= sent;
  }
  return 0;
}

static void answer(Connection *c) {
  if (!c->streaming) {
    c->answering = 0;
    put(c, whole, whole_length);
    return;
  }
  if (!c->next_chunk && put(c, stream_head, stream_head_length) < 0) return;
  do {
    if (put(c, chunks[c->next_chunk], chunk_length[c->next_chunk]) < 0) return;
    c->next_chunk++;
  } while (c->next_chunk < CHUNKS && !c->gap_us);
  if (c->next_chunk < CHUNKS) wait_for(c, c->gap_us);
  else c->answering = 0;
}

/* Bytes of the first whole request in the buffer, or 0 when it is not complete yet. */
static int request_length(Connection *c, char **body) {
  char *end = memmem(c->buffer, c->length, "\r\n\r\n", 4);
  if (!end) return 0;
  int head = end + 4 - c->buffer, total = head;
  *body = c->buffer + head;
  for (char *line = c->buffer; line < end;) {
    char *next = memmem(line, end + 2 - line, "\r\n", 2);
    if (!next) break;
    if (!strncasecmp(line, "content-length:", 15)) total = head + atoi(line + 15);
    if (!strncasecmp(line, "transfer-encoding:", 18)) {
      char *last = memmem(end + 2, c->buffer + c->length - end - 2, "\r\n0\r\n\r\n", 7);
      if (!last) return 0;
      total = last + 7 - c->buffer;
    }
    line = next + 2;
  }
  return total <= c->length ? total : 0;
}

static void serve(Connection *c) {
  char *body;
  for (int total; !c->answering && c->fd >= 0 && (total = request_length(c, &body));) {
    char *stream = memmem(body, c->buffer + total - body, "\"stream\":", 9), *mark;
    int wait_us = 0;
    c->streaming = stream && stream[9 + (stream[9] == ' ')] == 't';
    c->gap_us = c->next_chunk = 0;
    if ((mark = memmem(body, c->buffer + total - body, "[[wait=", 7)))
      sscanf(mark, "[[wait=%d gap=%d", &wait_us, &c->gap_us);
    memmove(c->buffer, c->buffer + total, c->length - total);
    c->length -= total;
    c->answering = 1;
    if (wait_us) wait_for(c, wait_us);
    else answer(c);
  }
}

static void write_answers(void) {
  const char *usage = "\"usage\":{\"prompt_tokens\":412,\"completion_tokens\":19,\"total_tokens\":431}";
  const char *start = "{\"id\":\"chatcmpl-1\",\"object\":\"%s\",\"created\":1760000000,\"model\":\"bench\",\"choices\":[{\"index\":0,";
  char body[1024], head[256];
  sprintf(head, start, "chat.completion");
  sprintf(body, "%s\"message\":{\"role\":\"assistant\",\"content\":\"The quick brown fox jumps over the lazy dog.\"},\"finish_reason\":\"stop\"}],%s}", head, usage);
  whole_length = sprintf(whole, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\ncontent-length: %zu\r\n\r\n%s", strlen(body), body);
  stream_head_length = sprintf(stream_head, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: req_bench\r\ntransfer-encoding: chunked\r\n\r\n");
  sprintf(head, start, "chat.completion.chunk");
  for (int i = 0; i < CHUNKS; i++) {
    if (i == CHUNKS - 1) sprintf(body, "data: [DONE]\n\n");
    else if (i == CHUNKS - 2) sprintf(body, "data: %s\"delta\":{},\"finish_reason\":\"stop\"}],%s}\n\n", head, usage);
    else sprintf(body, "data: %s\"delta\":{%s\"content\":\" word%d\"},\"finish_reason\":null}]}\n\n", head, i ? "" : "\"role\":\"assistant\",", i);
    chunk_length[i] = sprintf(chunks[i], "%zx\r\n%s\r\n%s", strlen(body), body, i == CHUNKS - 1 ? "0\r\n\r\n" : "");
  }
}

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(fd, (void *)&address, sizeof address) || listen(fd, 4096)) { perror("upstream"); exit(1); }
  return fd;
}

static void accept_all(int listener) {
  for (int fd, on = 1; (fd = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0;) {
    if (fd >= MAX_FDS) { close(fd); continue; }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Connection *c = &connections[fd];
    if (!c->buffer) c->buffer = malloc(BUFFER);
    c->fd = fd;
    c->length = c->answering = 0;
    c->generation++;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
  }
}

static void run_timers(void) {
  uint64_t ticks;
  if (read(timer_fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN) perror("timerfd");
  while (timer_count && timers[0].due_us <= now_us()) {
    Timer due = take_timer();
    Connection *c = &connections[due.fd];
    if (c->fd == due.fd && c->generation == due.generation) { answer(c); serve(c); }
  }
  arm();
}

int main(int count, char **args) {
  if (count != 2) { fprintf(stderr, "usage: upstream PORT\n"); return 2; }
  signal(SIGPIPE, SIG_IGN);
  write_answers();
  for (int i = 0; i < MAX_FDS; i++) connections[i].fd = -1;
  epoll_fd = epoll_create1(0);
  timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  int listener = listen_on(atoi(args[1]));
  struct epoll_event event = {.events = EPOLLIN, .data.fd = timer_fd}, ready[512];
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event);
  event.data.fd = listener;
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int n = epoll_wait(epoll_fd, ready, 512, -1);
    for (int i = 0; i < n; i++) {
      int fd = ready[i].data.fd;
      if (fd == timer_fd) { run_timers(); continue; }
      if (fd == listener) { accept_all(fd); continue; }
      Connection *c = &connections[fd];
      if (c->fd < 0) continue;
      ssize_t got = recv(fd, c->buffer + c->length, BUFFER - c->length, 0);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0) { hang_up(c); continue; }
      c->length += got;
      serve(c);
    }
  }
}
