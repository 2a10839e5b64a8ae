/*
 * See vm_seed.h. The text is JSON: {"record": ..., "consoles": [...]}.
 */
#include "harness/cmd/vm_seed.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/record/field.h"

static int write_found(const struct vm_run *run, int fd)
{
	json_t *consoles = json_array();

	for (size_t i = 0; i < run->n_consoles; i++)
		json_array_append_new(consoles, field_text_new(run->consoles[i]));
	json_t *json = json_pack("{s:o, s:o}", "record", record_to_json(run->stream.record),
				 "consoles", consoles);
	MEM_AUTO char *text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return text ? fd_write_full(fd, text, strlen(text)) : -EILSEQ;
}

static void __attribute__((noreturn)) child(struct vm_session *session, const struct vm_wish *wish,
					    struct vm_run *run, int found, pid_t parent)
{
	struct err err = ERR_INIT;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* QEMU has the same from us */
	if (getppid() != parent)
		_exit(1);
	int r = vm_run(run, &err);
	if (r >= 0 && run->stream.record)
		r = vm_session_evidence(session, wish, run->kernel, run, &err);
	if (r >= 0 && run->stream.record)
		r = write_found(run, found);
	if (r < 0 && r != -EINTR)
		fprintf(stderr, "oomlab vm: seed %llu: %s\n",
			(unsigned long long)wish->values->seed, err.text);
	(void)fflush(stderr);
	_exit(r < 0 || !run->stream.record);
}

int vm_seed_start(struct vm_session *session, const struct vm_wish *wish,
		  const struct kernel *kernel, int initrd, uint64_t seed, struct vm_seed *ret,
		  struct err *err)
{
	struct vm_values values = *wish->values;
	struct vm_wish own = *wish;
	struct vm_run run = {.values = &values,
			     .kernel = kernel,
			     .cgroup = wish->cgroup,
			     .scenarios = wish->scenarios,
			     .n_scenarios = wish->n_scenarios,
			     .interrupt_fd = session->interrupt_fd,
			     .initrd = initrd};
	pid_t parent = getpid();
	int found = memfd_create("seed", MFD_CLOEXEC);

	values.seed = seed;
	own.values = &values;
	if (found < 0)
		return err_errno(err, errno, "memfd_create");
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		child(session, &own, &run, found, parent);
	if (pid < 0) {
		(void)close(found);
		return err_errno(err, errno, "fork");
	}
	*ret = (struct vm_seed){seed, pid, fd_pidfd_open(pid), found};
	return 0;
}

int vm_seed_end(struct vm_seed *seed, char **ret_text, struct err *err)
{
	struct str text = STR_INIT;
	MEM_AUTO char *path = mem_printf("/proc/self/fd/%d", seed->found);
	int status = 0, r = 0;

	while (waitpid(seed->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		r = err_set(err, ECHILD, "seed %llu has no record", (unsigned long long)seed->seed);
	else
		r = fd_read_all(-1, path, &text, err);
	fd_close_var(&seed->pidfd);
	fd_close_var(&seed->found);
	seed->pid = 0;
	if (r >= 0)
		*ret_text = str_take(&text);
	str_free(&text);
	return r < 0 ? r : 0;
}

int vm_seed_read(const char *text, struct vm_seed_found *ret, struct err *err)
{
	json_t *json = json_loads(text, 0, NULL);
	const json_t *consoles = json_object_get(json, "consoles"), *console;
	struct vm_seed_found found = {0};
	size_t i;
	int r = record_from_json(json_object_get(json, "record"), &found.record, err);

	if (r >= 0) {
		found.consoles = mem_zero(json_array_size(consoles) + 1, sizeof(char *));
		json_array_foreach (consoles, i, console) {
			found.consoles[found.n_consoles++] = mem_dup(json_string_value(console));
		}
		*ret = found;
	}
	json_decref(json);
	return r < 0 ? r : 0;
}

void vm_seed_clear(struct vm_seed_found *found)
{
	for (size_t i = 0; i < found->n_consoles; i++)
		free(found->consoles[i]);
	free(found->consoles);
	record_free(found->record);
	*found = (struct vm_seed_found){0};
}
