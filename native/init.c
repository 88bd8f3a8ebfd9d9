/*
 * gantry-init: executes a syscall program, then stays behind as the monitor of the process that the program made.
 *
 *   make native    (the flags are in the Makefile)
 *
 * It knows nothing of OCI, Docker or networks: every decision is in the program (src/kernel/program.ts says what the
 * conventions are, src/kernel/program-codec.ts writes the layout read here). No C library: nothing is initialised,
 * nothing is allocated, an idle monitor is a few pages.
 *
 * `gantry-init spawn` waits for requests on descriptor 3 and makes a monitor for each (see spawner at the end). A program
 * starts with descriptor 4, the status channel, and sets the working directory to the monitor's, where `exit` is written.
 * `gantry-init run N` executes the program of descriptor N itself, with the status channel on N + 1: nothing is left between
 * the caller and what the program makes, and descriptors below N are handed on.
 * `gantry-init wait N` is the same, once the status channel, a socket, says so with a byte.
 * `gantry-init launch COMMAND` stands between a caller and a runtime that takes long to start and to end (see launcher).
 * `gantry-init -- COMMAND` is a container's /sbin/docker-init instead (see reap_for).
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int i32;
typedef unsigned long u64;
typedef long i64;

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call run\n hlt\n");
static i64 sys6(i64 n, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f) {
  i64 result;
  register i64 r10 __asm__("r10") = d;
  register i64 r8 __asm__("r8") = e;
  register i64 r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}
enum { READ = 0, WRITE = 1, CLOSE = 3, FSTAT = 5, MMAP = 9, SIGACTION = 13, SIGPROCMASK = 14, IOCTL = 16, SENDTO = 44, RECVFROM = 45,
       PREAD64 = 17, CLONE = 56, EXECVE = 59, KILL = 62, FCNTL = 72, SETSID = 112, EXIT_GROUP = 231, WAITID = 247, OPENAT = 257, RENAMEAT2 = 316, PPOLL = 271, SIGTIMEDWAIT = 128, DUP3 = 292, GETPPID = 110, PRCTL = 157,
       ACCEPT4 = 288, PIDFD_SEND_SIGNAL = 424, CLOSE_RANGE = 436, OPENAT2 = 437, PIDFD_OPEN = 434, PIDFD_GETFD = 438, CLOCK_GETTIME = 228, SETPGID = 109, WAIT4 = 61,
       SENDFILE = 40, SOCKETPAIR = 53, GETPID = 39, SIGNALFD4 = 289, MEMFD_CREATE = 319, EXECVEAT = 322, FLOCK = 73, UNLINKAT = 263, FTRUNCATE = 77, PIPE2 = 293, SETNS = 308, MODE_OF_STAT = 6 };
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n mov x29,#0\n mov x0,sp\n and sp,x0,#-16\n bl run\n");
static i64 sys6(i64 n, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f) {
  register i64 x8 __asm__("x8") = n;
  register i64 x0 __asm__("x0") = a;
  register i64 x1 __asm__("x1") = b;
  register i64 x2 __asm__("x2") = c;
  register i64 x3 __asm__("x3") = d;
  register i64 x4 __asm__("x4") = e;
  register i64 x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
enum { READ = 63, WRITE = 64, CLOSE = 57, FSTAT = 80, MMAP = 222, SIGACTION = 134, SIGPROCMASK = 135, IOCTL = 29, SENDTO = 206, RECVFROM = 207,
       PREAD64 = 67, CLONE = 220, EXECVE = 221, KILL = 129, FCNTL = 25, SETSID = 157, EXIT_GROUP = 94, WAITID = 95, OPENAT = 56, RENAMEAT2 = 276, PPOLL = 73, SIGTIMEDWAIT = 137, DUP3 = 24, GETPPID = 173, PRCTL = 167,
       ACCEPT4 = 242, PIDFD_SEND_SIGNAL = 424, CLOSE_RANGE = 436, OPENAT2 = 437, PIDFD_OPEN = 434, PIDFD_GETFD = 438, CLOCK_GETTIME = 113, SETPGID = 154, WAIT4 = 260,
       SENDFILE = 71, SOCKETPAIR = 199, GETPID = 172, SIGNALFD4 = 74, MEMFD_CREATE = 279, EXECVEAT = 281, FLOCK = 32, UNLINKAT = 35, FTRUNCATE = 46, PIPE2 = 59, SETNS = 268, MODE_OF_STAT = 4 };
#else
#error "gantry-init knows x86-64 and aarch64"
#endif
#define sys(n, ...) SYS_PICK(__VA_ARGS__, 6, 5, 4, 3, 2, 1)(n, __VA_ARGS__)
#define SYS_PICK(a, b, c, d, e, f, count, ...) SYS_##count
#define SYS_1(n, a) sys6(n, (i64)(a), 0, 0, 0, 0, 0)
#define SYS_2(n, a, b) sys6(n, (i64)(a), (i64)(b), 0, 0, 0, 0)
#define SYS_3(n, a, b, c) sys6(n, (i64)(a), (i64)(b), (i64)(c), 0, 0, 0)
#define SYS_4(n, a, b, c, d) sys6(n, (i64)(a), (i64)(b), (i64)(c), (i64)(d), 0, 0)
#define SYS_5(n, a, b, c, d, e) sys6(n, (i64)(a), (i64)(b), (i64)(c), (i64)(d), (i64)(e), 0)
#define SYS_6(n, a, b, c, d, e, f) sys6(n, (i64)(a), (i64)(b), (i64)(c), (i64)(d), (i64)(e), (i64)(f))

enum { EINTR = 4, EAGAIN = 11, EPROTO = 71, AT_FDCWD = -100 };

void *memcpy(void *to, const void *from, u64 n) {
  u8 *t = to;
  const u8 *f = from;
  while (n--) *t++ = *f++;
  return to;
}
void *memset(void *to, int value, u64 n) {
  u8 *t = to;
  while (n--) *t++ = (u8)value;
  return to;
}

static void die(int code) {
  for (;;) sys(EXIT_GROUP, code);
}

/* ---------------------------------------------------------------------------------------------- executing a program */

enum { PROGRAM_FD = 3, CONTROL_FD = 3, STATUS_FD = 4 };
static i32 status_fd = STATUS_FD;
enum { ARGUMENTS = sizeof "gantry-spawner" + sizeof "spawn" + 64 };
enum { PSEUDO_FORMAT = 0x10000, PSEUDO_MONITOR, PSEUDO_FAIL, PSEUDO_VALUE, PSEUDO_NUMBER = 0x10010 };
enum { FLOW_NEXT, FLOW_ON_ZERO, FLOW_ON_SUCCESS, FLOW_ALWAYS };
enum { IMMEDIATE, POINTER, CELL };

struct header {
  u64 magic;
  u32 operations, relocations, blob, labels, reserved[2];
};
struct operation {
  u32 nr;
  i32 save, target;
  u16 flow, reserved;
  u16 ignore[4];
  i32 min;
  u32 reserved2;
  u8 kind[8];
  u64 arg[6];
};
struct relocation {
  u32 at, target;
};
/* Records of the status channel and of the monitor's socket: src/shim/protocol.ts. */
struct record {
  u32 kind;
  i32 a;
  i64 b;
};
enum { CREATED = 1, FAILED = 2, EXITED = 3, DONE = 4 };

static void report(u32 kind, i32 a, i64 b) {
  struct record record = {kind, a, b};
  sys(WRITE, status_fd, &record, sizeof record);
}

static void format(char *to, const char *template, i32 value) {
  for (; *template; template++) {
    if (*template != '%') {
      *to++ = *template;
      continue;
    }
    char digits[12];
    int n = 0;
    u32 rest = value < 0 ? 0 : (u32)value;
    do digits[n++] = '0' + rest % 10;
    while ((rest /= 10) != 0);
    while (n > 0) *to++ = digits[--n];
  }
  *to = 0;
}

static i64 decimal(const char *text) {
  i64 value = 0;
  while (*text >= '0' && *text <= '9' && value < 0x7fffffff / 10) value = value * 10 + *text++ - '0';
  return value;
}

struct monitor;
static void monitor(struct monitor *block);

static int ignored(const struct operation *op, i64 result) {
  for (int i = 0; i < 4; i++)
    if (op->ignore[i] != 0 && op->ignore[i] == -result) return 1;
  return 0;
}

static void execute(const struct operation *ops, u32 count, u8 *blob) {
  for (u32 i = 0; i < count;) {
    const struct operation *op = &ops[i];
    i64 arg[6], result = 0;
    int tries = 0;
    for (int k = 0; k < 6; k++) {
      if (op->kind[k] == POINTER) arg[k] = (i64)(blob + op->arg[k]);
      else if (op->kind[k] == CELL) arg[k] = *(i32 *)(blob + op->arg[k]);
      else arg[k] = (i64)op->arg[k];
    }
    if (op->nr == PSEUDO_FORMAT) format((char *)arg[0], (const char *)arg[1], (i32)arg[2]);
    else if (op->nr == PSEUDO_MONITOR) monitor((struct monitor *)arg[0]);
    else if (op->nr == PSEUDO_FAIL) result = -arg[0];
    else if (op->nr == PSEUDO_VALUE) result = arg[0];
    else if (op->nr == PSEUDO_NUMBER) result = decimal((const char *)arg[0]);
    else do result = sys6(op->nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
      while (result == -EINTR || (result == -EAGAIN && op->nr == OPENAT2 && ++tries < 128)); /* a rename elsewhere upset `..` */
    if (op->save >= 0) *(i32 *)(blob + op->save) = (i32)result;
    if (result < op->min && !ignored(op, result)) {
      report(FAILED, (i32)i, result < 0 && result > -4096 ? -result : EPROTO);
      die(1);
    }
    int jump = op->flow == FLOW_ALWAYS || (op->flow == FLOW_ON_ZERO && result == 0) || (op->flow == FLOW_ON_SUCCESS && result >= 0);
    i = jump ? (u32)op->target : i + 1;
  }
  die(0);
}

/* -------------------------------------------------------------------------------------------------------- the monitor */

enum { POLLIN = 1, POLLPRI = 2, POLLOUT = 4, POLLERR = 8, POLLHUP = 16 };
enum { FRAME = 65536, LINE = 16384, TAIL = 4 << 20, CLIENTS = 64 };
enum { ATTACH = 1, START = 2, SIGNAL = 3, RESIZE = 4, WAIT = 5 };
enum { FIXED = 7 }; /* descriptors beside those of clients in a turn */
enum { WANT_STDIN = 1, WANT_STDOUT = 2, WANT_STDERR = 4, CLOSE_STDIN = 8 };
enum { MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000, NONBLOCK = 0x800, CLOEXEC = 0x80000 };

/* How the log is written: src/shim/log-rules.ts. */
struct log_rules {
  u64 max_size; /* 0: one file for ever */
  u32 max_files, framed, hold, attributes_size;
  const char *path, *attributes;
  u64 waiting; /* bytes of lines that wait for the disk before the oldest go; 0: the container waits */
};
struct monitor {
  i32 pid, pidfd, listen, sync, in, out, err, terminal, log, watched;
  const struct log_rules *rules; /* or none */
};
struct pollfd {
  i32 fd;
  short events, revents;
};
struct client {
  i32 fd;
  u8 attached, want, waits, input_ended;
  u32 have; /* bytes of the request in hand */
  u32 sent; /* bytes of the current frame that it has */
  u32 request[4];
};

static struct monitor *self;
static struct client clients[CLIENTS];
static u32 client_count;
/* The frame on its way to the attached clients: 8 bytes of stdcopy header and payload; one at a time. */
static u8 frame[8 + FRAME], *current;
static u32 current_size, current_stream, current_start;
/* What was left in the pipes when the process ended, as frames. */
static u8 tail[TAIL];
static u32 tail_size, tail_done;
static u8 input[LINE];
static u32 input_size, input_done;
static u8 input_closing;
static u8 exited;
static u8 released; /* by START */
static u8 is_terminal;

static i64 send_all(i32 fd, const void *bytes, u64 size) { return sys(SENDTO, fd, bytes, size, MSG_NOSIGNAL, 0, 0); }

static void reply(struct client *c, u32 kind, i32 a, i64 b) {
  struct record record = {kind, a, b};
  send_all(c->fd, &record, sizeof record);
}

static void drop(u32 i) {
  sys(CLOSE, clients[i].fd);
  clients[i] = clients[--client_count];
}

static void shut(i32 *fd) {
  if (*fd >= 0) sys(CLOSE, *fd);
  *fd = -1;
}

static int pending(const struct client *c) {
  return current != 0 && c->attached && (c->want & (1u << current_stream)) != 0 && c->sent < current_size;
}

/* Offers the frame to everyone who has not got all of it. @return whether nobody is left */
static int flush(void) {
  int waiting = 0;
  for (u32 i = 0; i < client_count; i++) {
    struct client *c = &clients[i];
    if (!pending(c)) continue;
    i64 n = sys(SENDTO, c->fd, current + current_start + c->sent, current_size - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
    if (n == -EAGAIN) n = 0;
    if (n < 0) {
      drop(i--);
      continue;
    }
    c->sent += (u32)n;
    if (c->sent < current_size) waiting = 1;
  }
  if (!waiting) current = 0;
  return !waiting;
}

/* A terminal's clients get bytes as they are, others Docker's stdcopy frames: stream, 0, 0, 0, length big-endian. */
static void show(u8 *bytes, u32 stream, u32 payload) {
  u32 header = is_terminal ? 8 : 0; /* skipped */
  current = bytes;
  current_start = header;
  current_size = payload + 8 - header;
  current_stream = stream;
  for (u32 i = 0; i < client_count; i++) clients[i].sent = 0;
  flush();
}

static void put_header(u8 *at, u32 stream, u32 size) {
  u8 header[8] = {(u8)stream, 0, 0, 0, (u8)(size >> 24), (u8)(size >> 16), (u8)(size >> 8), (u8)size};
  memcpy(at, header, 8);
}

/* ------------------------------------------------------------------------------------------- the log: Docker's json-file or local */

enum { ATTRIBUTES = 65536 };
static struct {
  u8 bytes[LINE];
  u32 size;
  u32 pieces; /* of a long line that are in the log already */
  i64 time;   /* of its first piece, which all have */
  char stamp[40];
  u32 stamp_size;
} lines[3];
static u8 text[6 * LINE + 256 + ATTRIBUTES];
static u8 batch[FRAME];
static u32 batch_size;
static u64 log_size;
static u8 log_held; /* no output is taken in until the oldest file may go */
static char stamp[40];
static i64 stamp_second = -1, stamp_time;
static u32 stamp_size;
static char date[24];

static void number(char *to, u32 value, int digits) {
  while (digits-- > 0) {
    to[digits] = '0' + value % 10;
    value /= 10;
  }
}

/* RFC 3339 with the nanoseconds that matter. Civil date from days, proleptic Gregorian calendar. */
static void take_time(void) {
  i64 time[2];
  sys(CLOCK_GETTIME, 0, time);
  stamp_time = time[0] * 1000000000 + time[1];
  if (time[0] != stamp_second) {
    stamp_second = time[0];
    i64 days = time[0] / 86400 + 719468;
    u32 second = (u32)(time[0] % 86400);
    i64 era = days / 146097;
    u32 day_of_era = (u32)(days - era * 146097);
    u32 year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    u32 day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    u32 shifted = (5 * day_of_year + 2) / 153;
    u32 month = shifted < 10 ? shifted + 3 : shifted - 9;
    memcpy(date, "0000-00-00T00:00:00.", 20);
    number(date, (u32)(year_of_era + era * 400) + (month <= 2), 4);
    number(date + 5, month, 2);
    number(date + 8, day_of_year - (153 * shifted + 2) / 5 + 1, 2);
    number(date + 11, second / 3600, 2);
    number(date + 14, second / 60 % 60, 2);
    number(date + 17, second % 60, 2);
  }
  memcpy(stamp, date, 20);
  number(stamp + 20, (u32)time[1], 9);
  stamp_size = 29;
  while (stamp[stamp_size - 1] == '0') stamp_size--;
  if (stamp[stamp_size - 1] == '.') stamp_size--;
  stamp[stamp_size++] = 'Z';
}

/* @return how much of it was written: less on a full disk */
static u32 write_all(i32 fd, const u8 *bytes, u32 size) {
  u32 done = 0;
  while (done < size) {
    i64 n = sys(WRITE, fd, bytes + done, size - done);
    if (n == -EINTR) continue;
    if (n <= 0) break;
    done += (u32)n;
  }
  return done;
}

/* Bytes of the whole entries at the beginning. */
static u32 whole_entries(const u8 *bytes, u32 size) {
  u32 end = 0;
  if (self->rules != 0 && self->rules->framed) {
    for (;;) {
      if (size - end < 8) return end;
      u32 entry = 8 + ((u32)bytes[end] << 24 | (u32)bytes[end + 1] << 16 | (u32)bytes[end + 2] << 8 | bytes[end + 3]);
      if (entry > size - end) return end;
      end += entry;
    }
  }
  for (u32 i = 0; i < size; i++)
    if (bytes[i] == '\n') end = i + 1;
  return end;
}

/* A full disk loses lines, not the container, and leaves no half of one, which would spoil the next. */
static void write_entries(const u8 *bytes, u32 size) {
  u32 written = write_all(self->log, bytes, size);
  u32 kept = written == size ? size : whole_entries(bytes, written);
  u64 stat[32];
  if (kept < written && sys(FSTAT, self->log, stat) == 0) sys(FTRUNCATE, self->log, stat[6] - (written - kept));
  log_size += kept;
}

static void flush_log(void) {
  write_entries(batch, batch_size);
  batch_size = 0;
}

/* "<path>.<index><suffix>", the newest file without an index. */
static void log_name(char *to, u32 index, const char *suffix) {
  for (const char *c = self->rules->path; *c; c++) *to++ = *c;
  *to = 0;
  if (index > 0) format(to, ".%", (i32)index);
  while (*to) to++;
  do *to++ = *suffix;
  while (*suffix++);
}

/* A file that its sender has not marked as sent, by taking the owner's right to write. */
static int unsent(const char *path) {
  u64 stat[32];
  i32 fd = (i32)sys(OPENAT, AT_FDCWD, path, CLOEXEC, 0);
  if (fd < 0) return 0;
  i64 result = sys(FSTAT, fd, stat);
  sys(CLOSE, fd);
  return result == 0 && (((u32 *)stat)[MODE_OF_STAT] & 0200) != 0;
}

/*
 * Moves every file one further and begins a new one. Files may be compressed meanwhile (src/engine/logs/compress.ts): a lock
 * on the directory keeps that apart. What cannot be done now is tried again at the next line.
 */
static void rotate(void) {
  static char from[4200], to[4200];
  static const char *suffixes[] = {"", ".gz"};
  const struct log_rules *rules = self->rules;
  u32 last = rules->max_files - 1;
  log_name(from, last, "");
  log_held = rules->hold && last > 0 && unsent(from);
  if (log_held) return;
  log_name(to, 0, ".next");
  i32 fresh = (i32)sys(OPENAT, AT_FDCWD, to, 01 | 0100 | 01000 | 02000 | CLOEXEC, 0640);
  if (fresh < 0) return;
  log_name(from, 0, "");
  char *slash = from;
  for (char *c = from; *c; c++)
    if (*c == '/') slash = c;
  *slash = 0;
  i32 lock = (i32)sys(OPENAT, AT_FDCWD, from, CLOEXEC, 0);
  while (lock >= 0 && sys(FLOCK, lock, 2 /* LOCK_EX */) == -EINTR) {}
  for (u32 i = last; i > 0; i--)
    for (int k = 0; k < 2; k++) {
      log_name(to, i, suffixes[k]);
      if (i == last) sys(UNLINKAT, AT_FDCWD, to, 0);
      log_name(from, i - 1, suffixes[k]);
      if (i > 1 || k == 0) sys(RENAMEAT2, AT_FDCWD, from, AT_FDCWD, to, 0);
    }
  log_name(from, 0, ".next");
  log_name(to, 0, "");
  sys(RENAMEAT2, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (lock >= 0) sys(CLOSE, lock);
  sys(CLOSE, self->log);
  self->log = fresh;
  log_size = 0;
}

static int log_full(void) {
  const struct log_rules *rules = self->rules;
  return rules != 0 && rules->max_size != 0 && log_size + batch_size >= rules->max_size;
}

static void begin_log(void) {
  u64 stat[32];
  if (self->log >= 0 && sys(FSTAT, self->log, stat) == 0) log_size = stat[6];
}

/* Length of the UTF-8 sequence at p, 0 when it is none (overlong, surrogate, cut, stray). */
static u32 utf8(const u8 *p, u32 left) {
  u32 n = p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : 0;
  if (n == 0 || n > left) return 0;
  for (u32 i = 1; i < n; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;
  if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) return 0;
  return n;
}

static u8 *escape(u8 *to, const u8 *p, u32 size) {
  static const char hex[] = "0123456789abcdef";
  for (u32 i = 0; i < size;) {
    u8 c = p[i];
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&') {
      *to++ = c;
      i++;
    } else if (c >= 0x80) {
      u32 n = utf8(p + i, size - i);
      if (n == 0) {
        memcpy(to, "\\ufffd", 6);
        to += 6;
        i++;
        continue;
      }
      memcpy(to, p + i, n);
      to += n;
      i += n;
    } else {
      char letter = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c == '"' || c == '\\' ? (char)c : 0;
      *to++ = '\\';
      if (letter) *to++ = (u8)letter;
      else {
        memcpy(to, "u00", 3);
        to[3] = (u8)hex[c >> 4];
        to[4] = (u8)hex[c & 15];
        to += 5;
      }
      i++;
    }
  }
  return to;
}

static u8 *put_varint(u8 *to, u64 value) {
  while (value >= 0x80) {
    *to++ = (u8)(value | 0x80);
    value >>= 7;
  }
  *to++ = (u8)value;
  return to;
}

static u8 *put_size(u8 *to, u32 size) {
  u8 bytes[4] = {(u8)(size >> 24), (u8)(size >> 16), (u8)(size >> 8), (u8)size};
  memcpy(to, bytes, 4);
  return to + 4;
}

/* Docker's local format: LogEntry of api/types/plugins/logdriver/entry.proto between two copies of its length. */
static u8 *framed_line(u32 stream, const u8 *bytes, u32 size) {
  u32 last = size > 0 && bytes[size - 1] == '\n', pieces = lines[stream].pieces;
  u8 *to = text + 4;
  memcpy(to, "\x0a\x06std", 5);
  memcpy(to + 5, stream == 1 ? "out\x10" : "err\x10", 4);
  to = put_varint(to + 9, (u64)lines[stream].time);
  if (size - last > 0) {
    *to++ = 0x1a;
    to = put_varint(to, size - last);
    memcpy(to, bytes, size - last);
    to += size - last;
  }
  if (pieces > 0 || !last) {
    char id[17];
    u8 *part = to + 4;
    for (int i = 0; i < 16; i++) id[i] = "0123456789abcdef"[(u64)lines[stream].time >> (60 - 4 * i) & 15];
    memcpy(to, "\x20\x01\x2a", 3);
    if (last) memcpy(part, "\x08\x01", 2), part += 2;
    memcpy(part, "\x12\x10", 2);
    memcpy(part + 2, id, 16);
    part[18] = 0x18;
    part = put_varint(part + 19, pieces + 1);
    to[3] = (u8)(part - to - 4);
    to = part;
  }
  u32 length = (u32)(to - text - 4);
  put_size(text, length);
  return put_size(to, length);
}

static u8 *json_line(u32 stream, const u8 *bytes, u32 size) {
  u8 *to = text;
  memcpy(to, "{\"log\":\"", 8);
  to = escape(to + 8, bytes, size);
  memcpy(to, "\",\"stream\":\"std", 15);
  memcpy(to + 15, stream == 1 ? "out\"" : "err\"", 4);
  to += 19;
  if (self->rules != 0 && self->rules->attributes_size > 0) {
    memcpy(to, ",\"attrs\":", 9);
    memcpy(to + 9, self->rules->attributes, self->rules->attributes_size);
    to += 9 + self->rules->attributes_size;
  }
  memcpy(to, ",\"time\":\"", 9);
  memcpy(to + 9, lines[stream].stamp, lines[stream].stamp_size);
  to += 9 + lines[stream].stamp_size;
  memcpy(to, "\"}\n", 3);
  return to + 3;
}

static void append(const u8 *entry, u32 length) {
  if (log_full() && !log_held) {
    flush_log();
    rotate();
  }
  if (batch_size + length > sizeof batch) flush_log();
  if (length > sizeof batch) {
    write_entries(entry, length);
  } else {
    memcpy(batch + batch_size, entry, length);
    batch_size += length;
  }
}

/*
 * mode=non-blocking: a process of its own writes the log, so that a disk that hangs holds nobody else. Entries, each behind its
 * length, wait in a ring for room in the pipe to it; when the ring is full the oldest go.
 */
enum { NEWPID = 0x20000000, MAP_PRIVATE_NORESERVE = 0x4022, LAST_LINES = 10 /* seconds */ };
static struct {
  u8 *bytes;
  u64 room, from, used;
  i32 pipe, pidfd;
  /* What is on its way through the pipe: out of the ring already. */
  u8 *outgoing;
  u32 size, done;
} ring = {0, 0, 0, 0, -1, -1, 0, 0, 0};
enum { OUTGOING = 4 + sizeof text };

static void ring_copy(u64 at, u8 *to, const u8 *from, u32 size) { /* one of the two is the ring */
  for (u32 i = 0; i < size; i++) {
    u8 *byte = &ring.bytes[(at + i) % ring.room];
    if (to) to[i] = *byte;
    else *byte = from[i];
  }
}

static u32 oldest(void) {
  u32 length;
  ring_copy(ring.from, (u8 *)&length, 0, 4);
  return length;
}

static void let_go(u32 size) {
  ring.from = (ring.from + size) % ring.room;
  ring.used -= size;
  if (ring.used == 0) ring.from = 0; /* so that quiet containers use few pages of it */
}

static void enqueue(const u8 *entry, u32 length) {
  if (4 + length > ring.room) return;
  while (ring.used + 4 + length > ring.room) let_go(4 + oldest());
  ring_copy(ring.from + ring.used, 0, (u8 *)&length, 4);
  ring_copy(ring.from + ring.used + 4, 0, entry, length);
  ring.used += 4 + length;
}

/* The writer: what comes whole through the pipe is appended, until nobody has its other end. */
__attribute__((noreturn)) static void write_log(i32 from) {
  u8 *got = tail; /* nobody uses it in this process */
  u32 have = 0;
  sys(CLOSE_RANGE, 0, from - 1, 0);
  sys(CLOSE_RANGE, from + 1, 0x7fffffff, 0);
  self->log = (i32)sys(OPENAT, AT_FDCWD, self->rules->path, 01 | 0100 | 02000 | CLOEXEC, 0640);
  begin_log();
  for (;;) {
    i64 n = sys(READ, from, got + have, FRAME);
    if (n == -EINTR) continue;
    if (n <= 0) die(0);
    have += (u32)n;
    u32 at = 0;
    for (u32 length; have - at >= 4; at += 4 + length) {
      memcpy(&length, got + at, 4);
      if (have - at - 4 < length) break;
      append(got + at + 4, length);
    }
    memcpy(got, got + at, have - at);
    have -= at;
    flush_log();
  }
}

static void start_writer(void) {
  i32 ends[2];
  if (sys(PIPE2, ends, CLOEXEC) < 0) return;
  /* Not into the namespace of the container, where the monitor's children are born by now. */
  i32 own = (i32)sys(OPENAT, AT_FDCWD, "/proc/self/ns/pid", CLOEXEC, 0);
  sys(SETNS, own, NEWPID);
  sys(CLOSE, own);
  i64 child = sys(CLONE, 17, 0, 0, 0, 0);
  if (child == 0) write_log(ends[0]);
  sys(CLOSE, ends[0]);
  sys(FCNTL, ends[1], 4 /* F_SETFL */, 01 | NONBLOCK);
  ring.pipe = ends[1];
  ring.pidfd = (i32)sys(PIDFD_OPEN, child, 0);
  ring.done = 0;
}

/* Gives the writer what it takes now. */
static void feed_writer(void) {
  int again = 0;
  if (ring.bytes == 0) return;
  for (;;) {
    if (ring.done == ring.size) {
      ring.size = ring.done = 0;
      while (ring.used > 0 && (ring.size == 0 || ring.size + 4 + oldest() <= FRAME)) {
        u32 size = 4 + oldest();
        ring_copy(ring.from, ring.outgoing + ring.size, 0, size);
        let_go(size);
        ring.size += size;
      }
      if (ring.size == 0) return;
    }
    if (ring.pipe < 0) start_writer();
    i64 n = sys(WRITE, ring.pipe, ring.outgoing + ring.done, ring.size - ring.done);
    if (n == -EINTR) continue;
    if (n == -EAGAIN) return;
    if (n < 0) { /* somebody killed it */
      shut(&ring.pipe);
      shut(&ring.pidfd);
      ring.done = 0;
      if (again++ > 0) return;
      continue;
    }
    ring.done += (u32)n;
  }
}

static int fed(void) { return ring.done == ring.size && ring.used == 0; }

/* Waits until everything has been written, `seconds` at most, or for ever when that is 0. */
static void finish_writing(i64 seconds) {
  i64 now[2], end = 0;
  while (ring.bytes != 0) {
    sys(CLOCK_GETTIME, 1, now);
    if (end == 0) end = now[0] + seconds;
    if (seconds > 0 && now[0] > end) return;
    feed_writer();
    if (fed()) shut(&ring.pipe); /* its end */
    if (fed() && ring.pidfd < 0) return;
    struct pollfd poll[2] = {{fed() ? -1 : ring.pipe, POLLOUT, 0}, {ring.pidfd, POLLIN, 0}};
    i64 wait[2] = {1, 0};
    sys(PPOLL, poll, 2, wait, 0, 8);
    if (poll[1].revents && fed()) return;
  }
}

static void begin_writing(void) {
  const struct log_rules *rules = self->rules;
  if (self->log < 0 || rules == 0 || rules->waiting == 0) return;
  /* one entry has to find room */
  u64 room = rules->waiting > OUTGOING ? rules->waiting : OUTGOING;
  u8 *bytes = (u8 *)sys(MMAP, 0, room + OUTGOING, 3, MAP_PRIVATE_NORESERVE, -1, 0);
  if ((i64)bytes < 0 && (i64)bytes > -4096) return; /* then the container waits */
  ring.bytes = bytes;
  ring.room = room;
  ring.outgoing = bytes + room;
  start_writer();
}

static void log_line(u32 stream, const u8 *bytes, u32 size) {
  if (lines[stream].pieces == 0) {
    lines[stream].time = stamp_time;
    lines[stream].stamp_size = stamp_size;
    memcpy(lines[stream].stamp, stamp, stamp_size);
  }
  u32 length = (u32)((self->rules != 0 && self->rules->framed ? framed_line : json_line)(stream, bytes, size) - text);
  lines[stream].pieces = bytes[size - 1] == '\n' ? 0 : lines[stream].pieces + 1;
  if (ring.bytes != 0) enqueue(text, length);
  else append(text, length);
}

static void lines_end(void) {
  if (ring.bytes != 0) feed_writer();
  else flush_log();
}

/* A line is logged when its newline arrives, or in pieces of 16 KiB that do not cut a character. */
static void log_bytes(u32 stream, const u8 *bytes, u32 size) {
  if (self->log < 0) return;
  take_time();
  u8 *line = lines[stream].bytes;
  u32 have = lines[stream].size;
  for (u32 i = 0; i < size; i++) {
    line[have++] = bytes[i];
    if (bytes[i] == '\n') {
      log_line(stream, line, have);
      have = 0;
    } else if (have == LINE) {
      u32 keep = 0;
      while (keep < 3 && (line[LINE - 1 - keep] & 0xc0) == 0x80) keep++;
      keep = line[LINE - 1 - keep] >= 0xc0 ? keep + 1 : 0;
      log_line(stream, line, LINE - keep);
      memcpy(line, line + LINE - keep, keep);
      have = keep;
    }
  }
  lines[stream].size = have;
  lines_end();
}

static void log_end(u32 stream) {
  if (self->log < 0 || lines[stream].size == 0) return;
  take_time();
  log_line(stream, lines[stream].bytes, lines[stream].size);
  lines[stream].size = lines[stream].pieces = 0;
  lines_end();
}

/* ----------------------------------------------------------------------------------------------------- output and input */

static void pump(i32 *fd, u32 stream) {
  i64 n = sys(READ, *fd, frame + 8, FRAME);
  if (n == -EAGAIN || n == -EINTR) return;
  if (n <= 0) { /* a terminal without a slave gives EIO */
    log_end(stream);
    shut(fd);
    return;
  }
  log_bytes(stream, frame + 8, (u32)n);
  put_header(frame, stream, (u32)n);
  show(frame, stream, (u32)n);
}

/* Everything still in the pipes goes to the log at once and to the clients as they can take it. */
static void drain(i32 *fd, u32 stream) { /* a process that outlived ours may hold the pipe: what is there now is taken */
  while (*fd >= 0) {
    u32 room = TAIL - tail_size;
    if (room <= 8) return; /* pipes hold at most 1 MiB each, so this is out of reach */
    i64 n = sys(READ, *fd, tail + tail_size + 8, room - 8 > FRAME ? FRAME : room - 8);
    if (n == -EINTR) continue;
    if (n <= 0) {
      log_end(stream);
      shut(fd);
      return;
    }
    log_bytes(stream, tail + tail_size + 8, (u32)n);
    put_header(tail + tail_size, stream, (u32)n);
    tail_size += 8 + (u32)n;
  }
}

static void next_of_tail(void) {
  if (current != 0 || tail_done >= tail_size) return;
  u8 *at = tail + tail_done;
  u32 payload = (u32)at[4] << 24 | (u32)at[5] << 16 | (u32)at[6] << 8 | at[7];
  tail_done += 8 + payload;
  show(at, at[0], payload);
}

static void feed(void) {
  i32 *to = self->terminal >= 0 ? &self->terminal : &self->in;
  while (*to >= 0 && input_done < input_size) {
    i64 n = sys(WRITE, *to, input + input_done, input_size - input_done);
    if (n == -EAGAIN) return;
    if (n == -EINTR) continue;
    if (n < 0) { /* nobody reads it any more */
      if (to == &self->in) shut(to);
      break;
    }
    input_done += (u32)n;
  }
  input_size = input_done = 0;
  if (input_closing) shut(&self->in);
}

/* ------------------------------------------------------------------------------------------------------------- requests */

static void serve(struct client *c) {
  u32 a = c->request[1], b = c->request[2];
  i64 result = 0;
  switch (c->request[0]) {
    case ATTACH:
      reply(c, DONE, 0, 0);
      c->want = (u8)a;
      c->sent = current_size; /* joins at the next frame */
      c->attached = 1;
      return;
    case START:
      released = 1;
      if (self->sync >= 0) {
        result = sys(WRITE, self->sync, "s", 1);
        shut(&self->sync);
      }
      break;
    case SIGNAL:
      if (self->pid < 0) die(0); /* what does not exist yet will not */
      result = exited ? -3 : sys(PIDFD_SEND_SIGNAL, self->pidfd, a, 0, 0);
      break;
    case RESIZE:
      if (self->terminal >= 0) {
        u16 size[4] = {(u16)b, (u16)a, 0, 0};
        result = sys(IOCTL, self->terminal, 0x5414, size); /* TIOCSWINSZ */
      }
      break;
    case WAIT:
      c->waits = 1;
      return;
    default:
      result = -22;
  }
  reply(c, DONE, result < 0 ? (i32)-result : 0, 0);
}

/* @return 0 when the client has gone */
static int receive(struct client *c) {
  if (!c->attached) {
    i64 n = sys(RECVFROM, c->fd, (u8 *)c->request + c->have, 16 - c->have, MSG_DONTWAIT, 0, 0);
    if (n == -EAGAIN) return 1;
    if (n <= 0) return 0;
    c->have += (u32)n;
    if (c->have == 16) {
      c->have = 0;
      serve(c);
    }
    return 1;
  }
  if (c->want & WANT_STDIN && input_size != 0) return 1; /* another client was faster in this turn */
  if (!(c->want & WANT_STDIN)) {
    u8 waste[256];
    i64 n = sys(RECVFROM, c->fd, waste, sizeof waste, MSG_DONTWAIT, 0, 0);
    if (n == 0) c->input_ended = 1;
    return n >= 0 || n == -EAGAIN;
  }
  i64 n = sys(RECVFROM, c->fd, input, sizeof input, MSG_DONTWAIT, 0, 0);
  if (n == -EAGAIN) return 1;
  if (n < 0) return 0;
  if (n == 0) {
    c->input_ended = 1;
    if (c->want & CLOSE_STDIN) input_closing = 1;
  }
  input_size = (u32)n;
  input_done = 0;
  feed();
  return 1;
}

static void welcome(void) {
  i32 fd = (i32)sys(ACCEPT4, self->listen, 0, 0, CLOEXEC);
  if (fd < 0) return;
  if (client_count == CLIENTS) {
    sys(CLOSE, fd);
    return;
  }
  struct client fresh = {.fd = fd};
  clients[client_count++] = fresh;
}

/* -------------------------------------------------------------------------------------------------------------- the end */

static i32 status_code;
static i64 status_time;
static u8 last_words[512];
static u32 last_size;

/* A file that goes when the process does, counters of its cgroup for example: what it says last is kept. */
static void look(void) {
  u8 words[sizeof last_words];
  if (self->watched < 0) return;
  i64 n = sys(PREAD64, self->watched, words, sizeof words, 0);
  if (n <= 0) {
    shut(&self->watched);
    return;
  }
  memcpy(last_words, words, (u64)n);
  last_size = (u32)n;
}

static void reap(void) {
  i32 info[32];
  memset(info, 0, sizeof info);
  i64 result;
  look();
  do result = sys(WAITID, 1 /* P_PID */, self->pid, info, 4 /* WEXITED */, 0);
  while (result == -EINTR);
  i32 code = info[2] /* si_code */, status = info[6] /* si_status */;
  status_code = result < 0 ? 255 : code == 1 /* CLD_EXITED */ ? status : 128 + status;
  i64 time[2];
  sys(CLOCK_GETTIME, 0, time);
  status_time = time[0] * 1000 + time[1] / 1000000;
  exited = 1;
  shut(&self->pidfd);
  shut(&self->in);
  log_held = 0;
  drain(&self->terminal, 1);
  drain(&self->out, 1);
  drain(&self->err, 2);
}

/* Whole or not at all. */
static void write_file(const char *name, const u8 *bytes, u32 size) {
  i32 fd = (i32)sys(OPENAT, AT_FDCWD, "exit.tmp", 01 | 0100 | 01000 | CLOEXEC, 0600);
  if (fd < 0) return;
  write_all(fd, bytes, size);
  sys(CLOSE, fd);
  sys(RENAMEAT2, AT_FDCWD, "exit.tmp", AT_FDCWD, name, 0);
}

/* "<code> <milliseconds>\n" */
static void record_exit(void) {
  char line[48];
  u64 time = (u64)status_time;
  int size = 0;
  format(line, "% ", status_code);
  while (line[size]) size++;
  number(line + size, (u32)(time / 1000000), 8);
  number(line + size + 8, (u32)(time % 1000000), 6);
  line[size + 14] = '\n';
  if (last_size > 0) write_file("watched", last_words, last_size);
  write_file("exit", (u8 *)line, (u32)size + 15);
  shut(&self->listen);
  for (u32 i = 0; i < client_count; i++) {
    if (clients[i].waits) reply(&clients[i], EXITED, status_code, status_time);
    if (!clients[i].attached) drop(i--);
  }
}

static void set_nonblock(i32 fd) {
  if (fd >= 0) sys(FCNTL, fd, 4 /* F_SETFL */, 02 | NONBLOCK);
}

/* One turn: wait, then serve everything that is ready. */
static void turn(void) {
  struct pollfd poll[FIXED + CLIENTS];
  u32 count = client_count;
  i64 soon[2] = {0, 100000000};
  if (log_held) rotate();
  int can_read = current == 0 && !log_held;
  i32 to = self->terminal >= 0 ? self->terminal : self->in;
  struct pollfd fixed[FIXED] = {
      {self->pidfd, POLLIN, 0},
      {self->listen, POLLIN, 0},
      {self->terminal >= 0 ? self->terminal : self->out, can_read ? POLLIN : 0, 0},
      {self->err, can_read ? POLLIN : 0, 0},
      {input_size > 0 ? to : -1, POLLOUT, 0},
      {self->watched, POLLPRI, 0},
      {fed() ? -1 : ring.pipe, POLLOUT, 0},
  };
  memcpy(poll, fixed, sizeof fixed);
  /* poll reports a hang-up whether asked or not: leave descriptors out that are not wanted now */
  if (!can_read) poll[2].fd = poll[3].fd = -1;
  for (u32 i = 0; i < count; i++) {
    struct client *c = &clients[i];
    int listens = !c->attached || !(c->want & WANT_STDIN) || input_size == 0;
    struct pollfd p = {c->fd, (short)((listens && !c->input_ended ? POLLIN : 0) | (pending(c) ? POLLOUT : 0)), 0};
    if (!listens && p.events == 0) p.fd = -1; /* its hang-up counts only after its input */
    poll[FIXED + i] = p;
  }
  if (sys(PPOLL, poll, FIXED + count, log_held ? soon : 0, 0, 8) < 0) return;
  if (poll[6].revents) feed_writer();
  if (poll[5].revents) look();
  if (poll[4].revents) feed();
  /* from the last to the first: drop() moves the last into the gap */
  for (u32 i = count; i-- > 0;) {
    short got = poll[FIXED + i].revents;
    if ((got & POLLIN && !receive(&clients[i])) || got & POLLERR || (got & POLLHUP && !(got & POLLIN))) drop(i);
  }
  if (current != 0) flush();
  if (current == 0 && !log_held && poll[2].revents) pump(self->terminal >= 0 ? &self->terminal : &self->out, 1);
  if (current == 0 && !log_held && poll[3].revents) pump(&self->err, 2);
  if (poll[1].revents) welcome();
  if (poll[0].revents) reap();
}

/* What the program left open (directories, cgroup files) would be held for the container's whole life. */
static void close_others(const struct monitor *block) {
  const i32 *kept = &block->pidfd;
  for (i32 from = 3;;) {
    i32 next = 0x7fffffff;
    for (int i = 0; i < 9; i++)
      if (kept[i] >= from && kept[i] < next) next = kept[i];
    for (u32 i = 0; i < client_count; i++)
      if (clients[i].fd >= from && clients[i].fd < next) next = clients[i].fd;
    if (next > from) sys(CLOSE_RANGE, from, next - 1, 0);
    if (next == 0x7fffffff) return;
    from = next + 1;
  }
}

static void monitor(struct monitor *block) {
  u64 ignore[4] = {1, 0, 0, 0}; /* SIGPIPE: writes to a closed stdin are noticed by their result */
  self = block;
  sys(SIGACTION, 13, ignore, 0, 8);
  is_terminal = self->terminal >= 0;
  set_nonblock(self->in);
  set_nonblock(self->out);
  set_nonblock(self->err);
  set_nonblock(self->terminal);
  look(); /* without a first look there is no second */
  begin_log();
  report(CREATED, self->pid, 0);
  if (self->pid < 0) { /* the program goes on to make a process once it is asked to start */
    while (!released) turn();
    return;
  }
  close_others(self);
  begin_writing();
  while (!exited) turn();
  finish_writing(LAST_LINES);
  record_exit();
  for (;;) {
    if (current == 0) next_of_tail();
    else flush();
    int busy = current != 0 || tail_done < tail_size;
    if (!busy || client_count == 0) break;
    if (current != 0) turn();
  }
  /* The disk may come back. */
  finish_writing(0);
  die(0);
}

/* ---------------------------------------------------------------------------------------------------------- docker-init */

static i64 search_path(char **argv, char **envp) {
  static char file[4096];
  const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  i64 failed = -2;
  for (const char *c = argv[0]; *c; c++)
    if (*c == '/') return sys(EXECVE, argv[0], argv, envp);
  for (char **e = envp; *e; e++)
    if ((*e)[0] == 'P' && (*e)[1] == 'A' && (*e)[2] == 'T' && (*e)[3] == 'H' && (*e)[4] == '=') path = *e + 5;
  while (*path) {
    u32 n = 0;
    for (; *path && *path != ':'; path++)
      if (n < sizeof file - 2) file[n++] = *path;
    if (*path) path++;
    file[n++] = '/';
    for (const char *c = argv[0]; *c && n < sizeof file - 1; c++) file[n++] = *c;
    file[n] = 0;
    i64 result = sys(EXECVE, file, argv, envp);
    if (result != -2 && result != -20) failed = result;
  }
  return failed;
}

/* PID 1 of a container with --init: runs argv[2...] as a child, passes signals on, reaps orphans, leaves with its status. */
static void reap_for(char **argv, char **envp) {
  u64 all = ~0ul, none = 0;
  sys(SIGPROCMASK, 0, &all, 0, 8);
  i64 child = sys(CLONE, 17 /* SIGCHLD */, 0, 0, 0, 0);
  if (child == 0) {
    sys(SETPGID, 0, 0);
    i32 own = 0;
    sys(IOCTL, 0, 0x5410, &own); /* TIOCSPGRP: harmless without a terminal */
    sys(SIGPROCMASK, 2, &none, 0, 8);
    die(search_path(argv + 2, envp) == -2 ? 127 : 126);
  }
  for (;;) {
    i32 info[32];
    i64 got = sys(SIGTIMEDWAIT, &all, info, 0, 8);
    if (got > 0 && got != 17) sys(KILL, child, got);
    if (got != 17) continue;
    i32 status;
    for (i64 pid; (pid = sys(WAIT4, -1, &status, 1 /* WNOHANG */, 0)) > 0;)
      if (pid == child) die((status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f));
  }
}

/* ------------------------------------------------------------------------------------------------------------- beginning */

static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

__attribute__((noreturn)) static void run_program(i32 program_fd) {
  u64 stat[32];
  sys(FCNTL, program_fd, 2 /* F_SETFD */, 1);
  sys(FCNTL, status_fd, 2, 1);
  if (sys(FSTAT, program_fd, stat) < 0) die(125);
  u64 size = stat[6]; /* st_size */
  u8 *image = (u8 *)sys(MMAP, 0, size, 3 /* read, write */, 2 /* private */, program_fd, 0);
  struct header *header = (struct header *)image;
  if ((i64)image < 0 && (i64)image > -4096) die(125);
  if (size < sizeof *header || header->magic != 0x31505952544e4147ul /* GANTRYP1 */) die(125);
  struct operation *ops = (struct operation *)(header + 1);
  struct relocation *relocations = (struct relocation *)(ops + header->operations);
  u8 *blob = (u8 *)(relocations + header->relocations);
  if ((u64)(blob - image) + header->blob > size) die(125);
  for (u32 i = 0; i < header->relocations; i++) *(u64 *)(blob + relocations[i].at) = (u64)(blob + relocations[i].target);
  sys(CLOSE, program_fd);
  execute(ops, header->operations, blob);
  die(0);
  __builtin_unreachable();
}

/* What `ps` shows of a monitor: "gantry-monitor" and the name of its directory, in the room that the spawner's arguments give. */
static void name_monitor(char *arguments, const char *path) {
  const char *name = path, *end = path;
  for (const char *c = path; *c; c++)
    if (*c == '/') name = end + (*end == '/'), end = c;
  memcpy(arguments, "gantry-monitor", 15);
  memset(arguments + 15, 0, ARGUMENTS - 15);
  for (char *to = arguments + 15; name < end && to < arguments + ARGUMENTS - 1;) *to++ = *name++;
  sys(PRCTL, 15 /* PR_SET_NAME */, "gantry-monitor");
}

static int receive_all(void *to, u64 size) {
  return sys(RECVFROM, CONTROL_FD, to, size, 0x100 /* MSG_WAITALL */, 0, 0) == (i64)size;
}

/* Where Yama lets nobody take a descriptor (ptrace_scope 3), that of a pipe can be opened again by its name. */
static i32 take_over(i32 requester, i32 descriptor) {
  static char path[48];
  char *end = path;
  i32 taken = (i32)sys(PIDFD_GETFD, requester, descriptor, 0);
  if (taken != -1 /* EPERM */) return taken;
  format(path, "/proc/%/fd/", (i32)sys(GETPPID, 0));
  while (*end) end++;
  format(end, "%", descriptor);
  return (i32)sys(OPENAT, AT_FDCWD, path, CLOEXEC | 1 /* write only */, 0);
}

/*
 * A process of this size forks some ten times faster than one of gantryd's. Request on descriptor 3: the number of the
 * requester's descriptor for the status channel, the length of a path, the path of the program. Answer: one byte, once the
 * descriptor has been taken over. Ends with the requester.
 */
__attribute__((noreturn)) static void spawner(i32 requester, char *arguments) {
  static char path[4097];
  u32 request[2];
  while (receive_all(request, sizeof request) && request[1] < sizeof path && receive_all(path, request[1])) {
    path[request[1]] = 0;
    i32 status = take_over(requester, (i32)request[0]);
    i64 child = sys(CLONE, 17, 0, 0, 0, 0);
    if (child == 0) {
      if (status != STATUS_FD) sys(DUP3, status, STATUS_FD, 0);
      i32 program = (i32)sys(OPENAT, AT_FDCWD, path, CLOEXEC, 0);
      if (status < 0 || program < 0) die(125);
      if (sys(DUP3, program, PROGRAM_FD, 0) != PROGRAM_FD) die(125);
      sys(CLOSE_RANGE, STATUS_FD + 1, 0x7fffffff, 0);
      name_monitor(arguments, path);
      /* The caller's child leaves at once: the monitor's parent is init, whatever becomes of the caller. */
      if (sys(CLONE, 17, 0, 0, 0, 0) != 0) die(0);
      sys(SETSID, 0);
      run_program(PROGRAM_FD);
    }
    sys(CLOSE, status);
    sys(WAIT4, child, 0, 0, 0);
    sys(SENDTO, CONTROL_FD, "", 1, MSG_NOSIGNAL, 0, 0);
  }
  die(0);
  __builtin_unreachable();
}

/* ------------------------------------------------------------------------------------------------------------- launcher */

/*
 * Runs COMMAND, a program that makes at most one container process, as a child with three descriptors beside stdio: 3 is a
 * socket to here, 4 the status channel, 5 an empty file for the program (src/kernel/launcher.ts). A record of socket 3 is
 *   PREPARE {n}  start `gantry-init wait`, which has the caller's descriptors below n, from a sealed copy of this binary
 *   CHECK {n}    answer the first descriptor from 3 to n - 1 that the caller has not open, or -1
 *   FORWARD {p}  from now on signals go to process p
 *   EXIT {code}  leave: nobody has to wait until COMMAND has given back its memory
 */
enum { PREPARE = 1, CHECK, FORWARD, EXIT };
static struct {
  i32 control, channel, program, image, signals;
} own;

static i32 apart(i32 fd, i32 from) {
  i32 copy = (i32)sys(FCNTL, fd, 1030 /* F_DUPFD_CLOEXEC */, from);
  if (copy < 0) die(125);
  sys(CLOSE, fd);
  return copy;
}

/* What runs in a container must not be a file that the container could write to (CVE-2019-5736). */
static i32 seal_self(void) {
  i32 file = (i32)sys(OPENAT, AT_FDCWD, "/proc/self/exe", CLOEXEC, 0);
  i32 copy = (i32)sys(MEMFD_CREATE, "gantry-init", 1 | 2 | 16 /* close on exec, sealing, executable */);
  if (copy == -22) copy = (i32)sys(MEMFD_CREATE, "gantry-init", 1 | 2); /* before Linux 6.3 */
  while (sys(SENDFILE, copy, file, 0, 1 << 20) > 0) {}
  sys(CLOSE, file);
  if (sys(FCNTL, copy, 1033 /* F_ADD_SEALS */, 15) < 0) die(125);
  return copy;
}

static void prepare(i32 kept, u64 *mask) {
  static char digits[16];
  if (kept < 3 || own.image < 0) die(125);
  if (sys(CLONE, 17, 0, 0, 0, 0) == 0) {
    i32 image = apart(own.image, kept + 2), program = apart(own.program, kept + 2), channel = apart(own.channel, kept + 2);
    format(digits, "%", kept);
    char *argv[] = {"gantry-init", "wait", digits, 0}, *envp[] = {0};
    if (sys(DUP3, program, kept, 0) < 0 || sys(DUP3, channel, kept + 1, 0) < 0) die(125);
    sys(CLOSE_RANGE, kept + 2, 0x7fffffff, 4 /* CLOSE_RANGE_CLOEXEC */);
    sys(SIGPROCMASK, 2, mask, 0, 8);
    sys(EXECVEAT, image, "", argv, envp, 0x1000 /* AT_EMPTY_PATH */);
    die(125);
  }
  /* The status channel ends when nobody else has it. */
  sys(CLOSE, own.channel);
  own.channel = -1;
}

static i32 first_closed(i32 end) {
  for (i32 fd = 3; fd < end; fd++)
    if (fd == own.control || fd == own.channel || fd == own.program || fd == own.image || fd == own.signals || sys(FCNTL, fd, 1, 0) < 0) return fd;
  return -1;
}

__attribute__((noreturn)) static void end_like(i32 status) {
  u64 none = 0;
  if ((status & 0x7f) == 0) die((status >> 8) & 0xff);
  sys(KILL, sys(GETPID, 0), status & 0x7f);
  sys(SIGPROCMASK, 2, &none, 0, 8);
  die(128 + (status & 0x7f));
  __builtin_unreachable();
}

__attribute__((noreturn)) static void command_of_launcher(char **argv, char **envp, i32 pair[3], i64 parent, u64 *mask) {
  static char *marks[] = {"GANTRY_LAUNCHER=1",
                          /* fewer page faults: Node reads megabytes at its start */
                          "MALLOC_TOP_PAD_=16777216", "MALLOC_MMAP_THRESHOLD_=33554432", "GLIBC_TUNABLES=glibc.malloc.hugetlb=1"};
  enum { MARKS = sizeof marks / sizeof *marks };
  u32 count = 0;
  while (envp[count]) count++;
  char *vars[count + MARKS + 1];
  for (u32 i = 0; i < MARKS; i++) vars[i] = marks[i];
  for (u32 i = 0; i <= count; i++) vars[MARKS + i] = envp[i];
  sys(PRCTL, 1 /* PR_SET_PDEATHSIG */, 9, 0, 0, 0);
  if (sys(GETPPID, 0) != parent) die(125);
  for (int i = 0; i < 3; i++) pair[i] = apart(pair[i], 6);
  for (int i = 0; i < 3; i++) sys(DUP3, pair[i], 3 + i, 0);
  sys(CLOSE_RANGE, 6, 0x7fffffff, 0);
  sys(SIGPROCMASK, 2, mask, 0, 8);
  i64 result = search_path(argv, vars);
  die(result == -2 ? 127 : 126);
  __builtin_unreachable();
}

__attribute__((noreturn)) static void launcher(char **argv, char **envp) {
  u64 all = ~0ul, mask = 0;
  i32 control[2], channel[2], forward = -1;
  for (i32 fd = 0; fd < 3; fd++)
    if (sys(FCNTL, fd, 1 /* F_GETFD */, 0) < 0) sys(OPENAT, AT_FDCWD, "/dev/null", 2, 0);
  sys(SIGPROCMASK, 2, &all, &mask, 8);
  own.program = (i32)sys(MEMFD_CREATE, "program", 1);
  if (own.program < 0 || sys(SOCKETPAIR, 1, 5 /* SOCK_SEQPACKET */ | CLOEXEC, 0, control) < 0 || sys(SOCKETPAIR, 1, 1 | CLOEXEC, 0, channel) < 0) die(125);
  i64 parent = sys(GETPID, 0);
  i32 given[3] = {control[1], channel[1], own.program};
  i64 command = sys(CLONE, 17, 0, 0, 0, 0);
  if (command == 0) command_of_launcher(argv, envp, given, parent, &mask);
  if (command < 0) die(125);
  sys(CLOSE, control[1]);
  sys(CLOSE, channel[1]);
  own.control = control[0];
  own.channel = channel[0];
  own.signals = (i32)sys(SIGNALFD4, -1, &all, 8, CLOEXEC);
  own.image = seal_self();
  for (;;) {
    struct pollfd poll[2] = {{own.control, POLLIN, 0}, {own.signals, POLLIN, 0}};
    if (sys(PPOLL, poll, 2, 0, 0, 8) < 0) continue;
    struct record record;
    if (poll[0].revents) {
      if (sys(READ, own.control, &record, sizeof record) != (i64)sizeof record) shut(&own.control);
      else if (record.kind == PREPARE && own.channel >= 0) prepare(record.a, &mask);
      else if (record.kind == CHECK) record.a = first_closed(record.a), sys(SENDTO, own.control, &record, sizeof record, MSG_NOSIGNAL, 0, 0);
      else if (record.kind == FORWARD) forward = (i32)sys(PIDFD_OPEN, record.a, 0);
      else if (record.kind == EXIT) die(record.a);
      continue; /* what it says comes before its end */
    }
    u8 info[128];
    if (poll[1].revents == 0 || sys(READ, own.signals, info, sizeof info) != (i64)sizeof info) continue;
    u32 signal = *(u32 *)info;
    i32 status;
    if (signal == 17 /* SIGCHLD */) {
      for (i64 pid; (pid = sys(WAIT4, -1, &status, 1 /* WNOHANG */, 0)) > 0;)
        if (pid == command) end_like(status);
    } else if (signal == 13 || signal == 23 || signal == 28) { /* SIGPIPE, SIGURG, SIGWINCH are nobody else's business */
    } else if (forward >= 0) sys(PIDFD_SEND_SIGNAL, forward, signal, 0, 0);
    else if (signal >= 20 && signal <= 22) sys(KILL, parent, 19); /* SIGTSTP, SIGTTIN, SIGTTOU: stops, as without a launcher */
    else sys(KILL, command, signal);
  }
}

__attribute__((noreturn, used)) void run(u64 *stack) {
  int argc = (int)stack[0];
  char **argv = (char **)(stack + 1), **envp = argv + argc + 1;
  if (argc > 2 && same(argv[1], "--")) reap_for(argv, envp);
  if (argc > 2 && same(argv[1], "launch")) launcher(argv + 2, envp);
  if (argc == 3 && (same(argv[1], "run") || same(argv[1], "wait"))) {
    i32 first = 0;
    u8 go;
    for (const char *c = argv[2]; *c; c++) first = first * 10 + (*c - '0');
    status_fd = first + 1;
    if (same(argv[1], "wait") && sys(READ, status_fd, &go, 1) != 1) die(125);
    run_program(first);
  }
  if (argc != 3 || !same(argv[1], "spawn") || argv[2] + 64 - argv[0] != ARGUMENTS) die(125);
  sys(PRCTL, 4 /* PR_SET_DUMPABLE */, 0, 0, 0, 0);
  i32 requester = (i32)sys(PIDFD_OPEN, sys(GETPPID, 0), 0);
  /* out of the way of the descriptors that a program starts with */
  spawner((i32)sys(FCNTL, requester, 1030 /* F_DUPFD_CLOEXEC */, 16), argv[0]);
}
