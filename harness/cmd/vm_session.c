/*
 * See vm_session.h. The guest's stream becomes a record line by line; a machine that ends in the
 * middle leaves what it said, the scenario under way gets its verdict from how it ended, and the
 * next machine goes on behind it.
 */
#include "harness/cmd/vm_session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "harness/cmd/progress.h"
#include "harness/cmd/terminal.h"
#include "harness/cmd/vm_programs.h"
#include "harness/cmd/vm_verdict.h"
#include "harness/record/field.h"
#include "harness/record/text.h"
#include "harness/vm/image.h"
#include "harness/vm/kernel.h"
#include "harness/vm/machine.h"
#include "harness/vm/modules.h"
#include "harness/vm/program.h"

enum {
	BOOTS = 2, /* a panic before the guest was ready is no verdict: once more */
	CONSOLE_LINES = 15,
	ICOUNT_SHIFT = 1, /* 2 ns an instruction: 500 MIPS */
	EXIT_INTERRUPTED = 130,
};

/* Loaded where the kernel has them as modules; what they depend on comes along. Without lzo-rle
 * 5.10's and 6.1's zram cannot start its default compressor, which no dependency says. */
static const char *const wanted_modules[] = {"lzo-rle",	      "zram", "virtio_pci", "virtio_blk",
					     "binfmt_script", "ext4", NULL};

/* ---- the image ------------------------------------------------------------------------------ */

static int add_programs(struct image *image, struct err *err)
{
	static const struct {
		const char *name, *path;
	} programs[] = {{"guest/init", "init"}, {"guest/oomlab", "bin/oomlab"}};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		MEM_AUTO char *from = NULL;
		if (cmd_find_companion(programs[i].name, &from, err) < 0)
			return -err->code;
		image_add_file(image, programs[i].path, from, 0755);
	}
	MEM_AUTO char *hog = NULL;
	if (cmd_find_hog(&hog, err) < 0)
		return -err->code;
	image_add_file(image, "bin/oomhog", hog, 0755);
	return 0;
}

/* What scenarios of the catalogue call. */
static int add_with(struct image *image, const struct opt_list *with, struct err *err)
{
	static const char *const always[] = {"sh",	"cat",	"dd",	   "grep",  "head",
					     "mount",	"sed",	"setsid",  "sleep", "stress",
					     "swapoff", "tail", "unshare", NULL};
	struct err ignored;
	int r = 0;

	for (size_t i = 0; always[i]; i++)
		(void)program_add(image, always[i], &ignored);
	for (size_t i = 0; i < with->n && r >= 0; i++)
		r = program_add(image, with->text[i], err);
	return r < 0 ? err_wrap(err, "--with") : 0;
}

static void add_folders(struct image *image)
{
	static const char *const folders[] = {"dev", "proc", "sys", "tmp", "run", "var", NULL};

	static const char passwd[] = "root:x:0:0:root:/:/bin/sh\n"
				     "nobody:x:65534:65534:nobody:/:/bin/sh\n";

	for (size_t i = 0; folders[i]; i++)
		image_add_dir(image, folders[i]);
	image_add_text(image, "etc/passwd", passwd, sizeof(passwd) - 1, 0644);
}

static int add_modules(struct image *image, const struct kernel *kernel, struct err *err)
{
	struct modules *modules;
	int r = 0;

	if (!kernel->modules)
		return 0;
	if (modules_open(kernel->modules, &modules, err) < 0)
		return -err->code;
	for (size_t i = 0; wanted_modules[i] && r >= 0; i++)
		r = modules_add(modules, wanted_modules[i], image, err);
	modules_free(modules);
	return r < 0 ? r : 0;
}

/* Words that are files or folders here go into the image; others are the catalogue's names. */
static int add_scenarios(const struct vm_session *session, struct image *image, json_t *words,
			 struct err *err)
{
	MEM_AUTO char *root = NULL;

	if (cmd_find_scenarios(&root, err) < 0 || image_add_tree(image, "scenarios", root, err) < 0)
		return -err->code;
	for (int i = 0; i < session->argc; i++) {
		const char *word = session->argv[i], *slash = strrchr(word, '/');
		MEM_AUTO char *path = mem_printf("user/%d/%s", i, slash ? slash + 1 : word);
		MEM_AUTO char *there = mem_printf("/%s", path);
		struct stat info;
		int r = 0;
		if (stat(word, &info) < 0) {
			json_array_append_new(words, field_text_new(word));
			continue;
		}
		if (S_ISDIR(info.st_mode))
			r = image_add_tree(image, path, word, err);
		else
			image_add_file(image, path, word, 0644);
		if (r < 0)
			return r;
		json_array_append_new(words, field_text_new(there));
	}
	return 0;
}

static void add_request(struct image *image, const json_t *words)
{
	json_t *line = json_pack("{s:O}", "run", words);
	MEM_AUTO char *text = json_dumps(line, JSON_COMPACT);

	image_add_text(image, "request", text, strlen(text), 0644);
	json_decref(line);
}

/* The initramfs in a file without a name, and what the guest is to run. */
static int build_image(const struct vm_session *session, const struct kernel *kernel, json_t *words,
		       struct err *err)
{
	struct image image = {0};
	FD_AUTO fd = memfd_create("initramfs", MFD_CLOEXEC);
	int r = fd < 0 ? err_errno(err, errno, "memfd_create") : add_programs(&image, err);

	add_folders(&image);
	if (r >= 0)
		r = add_with(&image, &session->values->with, err);
	if (r >= 0)
		vm_programs_add(&image, session->argv, (size_t)session->argc,
				&session->values->params, &session->values->filters);
	if (r >= 0)
		r = add_modules(&image, kernel, err);
	if (r >= 0)
		r = add_scenarios(session, &image, words, err);
	if (r >= 0 && session->values->seed != UINT64_MAX)
		add_request(&image, words);
	if (r >= 0)
		r = image_write(&image, fd, err);
	image_free(&image);
	return r < 0 ? r : fd_take(&fd);
}

/* ---- what the guest is asked ---------------------------------------------------------------- */

static void add_list(json_t *words, const char *option, const struct opt_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		MEM_AUTO char *word = mem_printf("--%s=%s", option, list->text[i]);
		json_array_append_new(words, field_text_new(word));
	}
}

/* after: the last scenario that has its verdict from a machine before, NULL: none. */
static json_t *run_words(const struct vm_values *values, const char *after)
{
	json_t *words =
		json_pack("[s, s, s, s, s]", "run", "--format=stream", "--output=/dev/ttyS1",
			  "--results=/run/results", "--this-machine-is-disposable");
	MEM_AUTO char *repeat = mem_printf("--repeat=%llu", (unsigned long long)values->repeat);

	json_array_append_new(words, json_string(repeat));
	if (after) {
		MEM_AUTO char *word = mem_printf("--after=%s", after);
		json_array_append_new(words, field_text_new(word));
	}
	add_list(words, "param", &values->params);
	add_list(words, "filter", &values->filters);
	return words;
}

static char *kernel_line(const struct vm_values *values, const char *cgroup)
{
	struct str text = STR_INIT;

	str_addf(&text,
		 "console=ttyS0 panic=-1 quiet reboot=t cryptomgr.notests norandmaps "
		 "printk.devkmsg=on log_buf_len=4M OOMLAB_CGROUP=%s",
		 cgroup);
	if (values->swap)
		str_addf(&text, " OOMLAB_SWAP=%s", values->swap);
	if (values->append)
		str_addf(&text, " %s", values->append);
	return str_take(&text);
}

/* ---- what it says --------------------------------------------------------------------------- */

static void take_record(struct vm_session *session, const json_t *json)
{
	struct record *record;
	struct err err;

	if (session->opened || record_from_json(json, &record, &err) < 0)
		return;
	record_free(session->record);
	session->record = record;
	session->opened = true;
	if (session->reporter->begin)
		session->reporter->begin(session->out, record, &session->report);
}

static void forget_began(struct vm_session *session)
{
	json_decref(session->began);
	session->began = NULL;
	json_decref(session->events);
	session->events = NULL;
}

static void keep_result(struct vm_session *session, struct result *result)
{
	struct result *kept = record_add(session->record, result);

	if (session->reporter->result)
		session->reporter->result(session->out, session->record, kept, &session->report);
	forget_began(session);
}

static void take_result(struct vm_session *session, const json_t *json)
{
	struct result result;
	struct err err;

	if (session->record && result_from_json(json, &result, &err) >= 0)
		keep_result(session, &result);
}

static void on_line(void *data, json_t *line)
{
	struct vm_session *session = data;
	json_t *event = json_object_get(line, "event");

	if (json_object_get(line, "record"))
		take_record(session, json_object_get(line, "record"));
	else if (json_object_get(line, "end") && session->record)
		session->record->ended_unix_ns = json_integer_value(
			json_object_get(json_object_get(line, "end"), "ended_unix_ns"));
	else if (json_object_get(line, "result"))
		take_result(session, json_object_get(line, "result"));
	else if (json_object_get(line, "began")) {
		forget_began(session);
		session->began = json_incref(line);
		session->events = json_array();
	} else if (event && session->events) {
		json_array_append(session->events, event);
	}
}

static void on_console(void *data, const char *bytes, size_t n)
{
	const struct vm_session *session = data;

	if (session->values->console)
		(void)fwrite(bytes, 1, n, stderr);
}

/* ---- the end of a machine ------------------------------------------------------------------- */

/* The scenario under way when the machine ended is its business, whatever it expected. */
static void end_of_scenario(struct vm_session *session, const struct machine *machine)
{
	struct result result;

	vm_verdict(session->began, session->events, machine_ended(machine), machine_panic(machine),
		   machine_console(machine), &result);
	keep_result(session, &result);
}

static void tell_console(const struct machine *machine)
{
	STR_AUTO tail = STR_INIT;

	machine_tail(machine, CONSOLE_LINES, &tail);
	if (!tail.len)
		return;
	fprintf(stderr, "the guest's console ended with:\n");
	cmd_print_clean(stderr, str_text(&tail));
}

/* Of each machine: console.log, console-2.log, ... */
static int save_consoles(const struct vm_session *session, int dir, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < session->n_consoles && r >= 0; i++) {
		MEM_AUTO char *name =
			i ? mem_printf("console-%zu.log", i + 1) : mem_dup("console.log");
		FD_AUTO fd = fd_open_at(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
		r = fd < 0 ? fd
			   : fd_write_full(fd, session->consoles[i], strlen(session->consoles[i]));
	}
	return r;
}

static int save(struct vm_session *session, struct err *err)
{
	MEM_AUTO char *path = NULL;

	/* By the guest's clock, as its beginning: that of a machine that died ends with its last
	 * result. */
	FD_AUTO dir = record_dir(session->values->results, session->record, &path, err);
	if (dir < 0)
		return dir;
	int r = record_save(session->record, dir, err);
	if (r >= 0)
		r = record_save_extras(session->record, dir, err);
	if (r >= 0)
		r = save_consoles(session, dir, err);
	session->report.results = path;
	if (session->reporter->end)
		session->reporter->end(session->out, session->record, &session->report);
	session->report.results = NULL;
	return r < 0 ? r : 0;
}

/* ---- one boot ------------------------------------------------------------------------------- */

/* -EAGAIN: it died before it was ready, another try is fair. */
static int boot(struct vm_session *session, const struct machine_options *options,
		struct machine **ret, struct err *err)
{
	int r = machine_start(options, ret, err);

	if (r >= 0 || !*ret)
		return r;
	enum machine_end end = machine_ended(*ret);
	bool again = end == MACHINE_PANIC || end == MACHINE_RESET;
	fprintf(stderr, "oomlab vm: the machine did not get ready: ");
	cmd_print_clean(stderr, err->text);
	if (r != -EINTR)
		tell_console(*ret);
	machine_free(*ret);
	*ret = NULL;
	(void)session;
	return again ? -EAGAIN : r;
}

static int start(struct vm_session *session, const struct machine_options *options,
		 struct machine **ret, struct err *err)
{
	int r = -EAGAIN;

	*ret = NULL;
	for (int i = 0; i < BOOTS && r == -EAGAIN; i++)
		r = boot(session, options, ret, err);
	return r;
}

static void keep_console(struct vm_session *session, const struct machine *machine)
{
	session->consoles =
		mem_grow(session->consoles, session->n_consoles + 1, sizeof(*session->consoles));
	session->consoles[session->n_consoles++] = mem_dup(machine_console(machine));
}

/* A panic that was expected is nothing to complain of. */
static void tell_end(const struct vm_session *session, const struct machine *machine,
		     const struct err *err)
{
	const struct record *record = session->record;

	if (session->began)
		return;
	if (machine_ended(machine) == MACHINE_PANIC && record->n &&
	    record->results[record->n - 1]->verdict == VERDICT_PASS)
		return;
	fprintf(stderr, "oomlab vm: ");
	cmd_print_clean(stderr, err->text);
	tell_console(machine);
}

/* Lets it run what is left. *ret_more: another machine is to go on where this one ended. */
static int run_in(struct vm_session *session, struct machine *machine, const json_t *words,
		  bool *ret_more, struct err *err)
{
	const struct vm_values *values = session->values;
	size_t before = session->record ? session->record->n : 0;
	int status = machine_run(machine, values->seed == UINT64_MAX ? words : NULL,
				 values->timeout_ns, err);

	keep_console(session, machine);
	if (status == -EINTR || !session->record) {
		if (status >= 0)
			tell_console(machine);
		return status;
	}
	enum machine_end end = machine_ended(machine);
	if (status < 0 && session->began)
		end_of_scenario(session, machine);
	if (status < 0)
		tell_end(session, machine, err);
	bool progress = session->record->n > before;
	bool may = status >= 0 || end == MACHINE_PANIC || end == MACHINE_RESET;
	*ret_more = progress && may && session->record->n < session->record->planned;
	return 0;
}

static void heading(const struct vm_session *session, const struct machine *machine,
		    const char *kernel, const char *cgroup)
{
	if (session->values->format == 0 && !session->record) {
		fprintf(session->out, "== %s (%s), cgroup %s\n", machine_kernel(machine), kernel,
			cgroup);
		(void)fflush(session->out);
	}
	if (*machine_troubles(machine) && !session->record) {
		fprintf(stderr, "the guest could not set up everything:\n");
		cmd_print_clean(stderr, machine_troubles(machine));
	}
}

static int open_kernel(const char *spec, struct kernel *kernel, struct err *err)
{
	struct progress progress;
	struct fetch_watch watch;

	progress_begin(&progress, "vm", &watch);
	int r = kernel_open(spec, &watch, kernel, err);
	progress_end(&progress);
	return r;
}

static int one_machine(struct vm_session *session, const struct kernel *kernel, const char *spec,
		       const char *cgroup, bool *ret_more, struct err *err)
{
	const struct vm_values *values = session->values;
	const struct record *record = session->record;
	MEM_AUTO char *append = kernel_line(values, cgroup);
	json_t *words = run_words(values, record ? record->results[record->n - 1]->name : NULL);
	FD_AUTO initrd = build_image(session, kernel, words, err);
	struct machine *machine = NULL;
	struct machine_options options = {.qemu = {.kernel_fd = kernel->fd,
						   .initrd_fd = initrd,
						   .append = append,
						   .memory_bytes = values->memory_bytes,
						   .icount = values->seed != UINT64_MAX,
						   .shift = ICOUNT_SHIFT,
						   .seed = values->seed,
						   .cpus = (unsigned)values->cpus,
						   .nodes = (unsigned)values->nodes},
					  .boot_ns = values->boot_ns,
					  .line = on_line,
					  .console = on_console,
					  .data = session,
					  .interrupt_fd = session->interrupt_fd};

	int r = initrd < 0 ? initrd : start(session, &options, &machine, err);
	if (r >= 0) {
		heading(session, machine, spec, cgroup);
		r = run_in(session, machine, words, ret_more, err);
	}
	machine_free(machine);
	json_decref(words);
	return r;
}

static void forget_all(struct vm_session *session)
{
	record_free(session->record);
	session->record = NULL;
	forget_began(session);
	for (size_t i = 0; i < session->n_consoles; i++)
		free(session->consoles[i]);
	free(session->consoles);
	session->consoles = NULL;
	session->n_consoles = 0;
}

int vm_session_run(struct vm_session *session, const char *spec, const char *cgroup,
		   struct err *err)
{
	struct kernel kernel = {.fd = -1};
	int r = open_kernel(spec, &kernel, err);

	bool more = r >= 0;

	session->opened = false;
	while (more) {
		more = false;
		r = one_machine(session, &kernel, spec, cgroup, &more, err);
	}
	if (session->record && r < 0 && r != -EINTR) {
		fprintf(stderr, "oomlab vm: ");
		cmd_print_clean(stderr, err->text);
	}
	if (session->record && r != -EINTR) {
		int saved = save(session, err);
		r = saved < 0 ? saved : record_exit_status(session->record);
	}
	forget_all(session);
	kernel_close(&kernel);
	return r == -EINTR ? EXIT_INTERRUPTED : r;
}

/* ---- the session ---------------------------------------------------------------------------- */

int vm_session_open(struct vm_session *session, struct err *err)
{
	const struct vm_values *values = session->values;
	char version[32];

	session->out = stdout;
	if (qemu_version(NULL, version, sizeof(version), err) < 0)
		return -err->code;
	if (values->output && !str_eq(values->output, "-")) {
		int fd = fd_open_at(AT_FDCWD, values->output, O_WRONLY | O_CREAT | O_TRUNC, 0644,
				    err);
		if (fd < 0)
			return err_wrap(err, "--output");
		session->out = fdopen(fd, "w");
	}
	session->reporter = reporter_find(
		(const char *const[]){"text", "tap", "junit", "json"}[values->format]);
	session->report =
		(struct report_options){.colour = terminal_colour(session->out, values->colour),
					.verbose = values->verbose,
					.width = terminal_width(session->out)};
	return 0;
}

void vm_session_close(struct vm_session *session)
{
	if (session->out && session->out != stdout)
		(void)fclose(session->out);
	session->out = NULL;
}
