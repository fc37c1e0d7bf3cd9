/* The only program of the Linux guest: says what it finds, computes, and turns the machine off. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void show(const char *path, int lines) {
  char line[200];
  FILE *file = fopen(path, "r");
  for (; file != NULL && lines > 0 && fgets(line, sizeof line, file) != NULL; --lines) printf("init: %s", line);
  if (file != NULL) fclose(file);
}

/* Two processes whose address spaces differ only where they wrote. */
static void talk(void) {
  int ends[2];
  double sum = 0;
  if (pipe(ends) != 0) return;
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 1; i < 100000; ++i) sum += 1.0 / i / i;
    _exit(write(ends[1], &sum, sizeof sum) != sizeof sum);
  }
  const ssize_t got = read(ends[0], &sum, sizeof sum);
  int status = 0;
  waitpid(child, &status, 0);
  printf("init: process %d computed %.6f, %zd bytes, status %d\n", child, sum, got, status);
}

int main(void) {
  struct utsname name;
  struct timespec before, after;
  mkdir("/proc", 0755);
  mount("proc", "/proc", "proc", 0, 0);
  uname(&name);
  printf("init: hello from user space, %s %s, process %d\n", name.sysname, name.release, getpid());
  show("/proc/cpuinfo", 5);
  talk();
  clock_gettime(CLOCK_MONOTONIC, &before);
  usleep(20000);
  clock_gettime(CLOCK_MONOTONIC, &after);
  const long slept = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
  printf("init: slept %s\n", slept >= 20 && slept < 100 ? "as long as it wanted" : "for another time");
  fflush(stdout);
  sync();
  return reboot(RB_POWER_OFF);
}
