/*
 * echo-load serve PORT             echoes on TCP, on every address; prints "ready"
 * echo-load ask HOST PORT N SECONDS  keeps N connections busy, each with one request of 64 bytes at a time, and prints
 *                                   {"perSecond": n, "p99": ms}. The first tenth of the time is not counted.
 *
 * One thread and epoll on either side, and nothing done per request but the system calls, so that the way is measured and not the ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { size = 64, most = 1024 };

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void watch(int poller, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
}

static void hurry(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

_Noreturn static void serve(const char *port) {
  struct addrinfo hints = {.ai_family = AF_INET6, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *where;
  if (getaddrinfo(NULL, port, &hints, &where) != 0) fail("getaddrinfo");
  int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), off = 0, poller = epoll_create1(0);
  setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind(listener, where->ai_addr, where->ai_addrlen) < 0 || listen(listener, 1024) < 0) fail("listen");
  watch(poller, listener);
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[256];
    int count = epoll_wait(poller, events, 256, -1);
    for (int at = 0; at < count; at++) {
      int fd = events[at].data.fd;
      if (fd == listener) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0) continue;
        hurry(client);
        watch(poller, client);
        continue;
      }
      char data[4096];
      ssize_t got = read(fd, data, sizeof data);
      if (got <= 0 || write(fd, data, got) != got) close(fd);
    }
  }
}

static int byTime(const void *one, const void *other) {
  float a = *(const float *)one, b = *(const float *)other;
  return (a > b) - (a < b);
}

static int ask(const char *host, const char *port, int connections, double seconds) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *where;
  if (connections < 1 || connections > most) fail("connections");
  if (getaddrinfo(host, port, &hints, &where) != 0) fail("getaddrinfo");
  static int got[65536];
  static double sent[65536];
  char data[size] = {7};
  int poller = epoll_create1(0);
  size_t count = 0, room = 1 << 20;
  float *times = malloc(room * sizeof *times);
  int fds[most];
  for (int at = 0; at < connections; at++) {
    int fd = fds[at] = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, where->ai_addr, where->ai_addrlen) < 0) fail("connect");
    hurry(fd);
    watch(poller, fd);
  }
  double begin = now() + seconds * 100, end = begin + seconds * 1000;
  for (int at = 0; at < connections; at++) {
    sent[fds[at]] = now();
    if (write(fds[at], data, size) != size) fail("write");
  }
  for (double time = now(); time < end; ) {
    struct epoll_event events[256];
    int ready = epoll_wait(poller, events, 256, 1000);
    if (ready == 0) { fprintf(stderr, "no answer for a second\n"); exit(1); }
    for (int at = 0; at < ready; at++) {
      int fd = events[at].data.fd;
      ssize_t more = read(fd, data, size - got[fd]);
      if (more <= 0) fail("read");
      got[fd] += more;
      if (got[fd] < size) continue;
      got[fd] = 0;
      time = now();
      if (time >= begin && time < end) {
        if (count == room) times = realloc(times, (room *= 2) * sizeof *times);
        times[count++] = time - sent[fd];
      }
      sent[fd] = time;
      if (write(fd, data, size) != size) fail("write");
    }
  }
  qsort(times, count, sizeof *times, byTime);
  printf("{\"perSecond\": %.0f, \"p99\": %.3f}\n", count / seconds, count == 0 ? 0 : times[(size_t)(count * 0.99)]);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "serve") == 0) serve(argv[2]);
  if (argc == 6 && strcmp(argv[1], "ask") == 0) return ask(argv[2], argv[3], atoi(argv[4]), atof(argv[5]));
  fprintf(stderr, "usage: echo-load serve PORT | echo-load ask HOST PORT CONNECTIONS SECONDS\n");
  return 2;
}
