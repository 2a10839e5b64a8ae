/*
 * The cache of kernels: what a spec means survives in a file, damaged files mean nothing, removal
 * spares what runs, the lock waits and empties what a dead process has left.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/vm/sha256.h"
#include "harness/vm/store.h"
#include "harness/vm/summed.h"

Suite *store_suite(void);

static char folder[] = "/tmp/oomlab-store-XXXXXX";
static struct store store;

static void open_store(void)
{
	struct err err = ERR_INIT;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	MEM_AUTO char *deep = mem_printf("%s/a/b", folder);
	setenv("OOMLAB_CACHE", deep, 1);
	ck_assert_msg(store_open(&store, &err) == 0, "%s", err.text);
}

static void close_store(void)
{
	struct err err = ERR_INIT;

	store_close(&store);
	ck_assert_msg(store_remove_tree(folder, &err) == 0, "%s", err.text);
}

static char name_text[] = "linux-image-6.1.0-56-cloud-amd64";
static char version_text[] = "6.1.192-2";
static char depends_text[] = "";
static char suite_text[] = "bookworm-security";
static char alias_text[] = "";
static char uri_text[] = "http://mirror/debian/";
static char file_text[] = "pool/linux.deb";
static char sha256_text[] = "35bb2f31f07959211b81abd5df6ce09c7462e3f90ac4ff91184c3dc475c9d9c4";
static const struct debian_package package = {
	.name = name_text,
	.version = version_text,
	.depends = depends_text,
	.suite = suite_text,
	.alias = alias_text,
	.uri = uri_text,
	.file = file_text,
	.sha256 = sha256_text,
	.size_bytes = 26000000,
	.installed_bytes = 1ULL << 40,
};
static const struct debian_kernel kernel = {"6.1.0-56-cloud-amd64", &package, &package};

static void lock(void)
{
	struct err err = ERR_INIT;

	ck_assert_msg(store_lock(&store, NULL, &err) == 0, "%s", err.text);
}

static void put_pin(const char *wish)
{
	MEM_AUTO char *spec = mem_printf("debian:%s", wish);
	struct pin pin;
	struct err err = ERR_INIT;

	pin_from_kernel(spec, &kernel, &pin);
	ck_assert_msg(store_write_pin(&store, wish, &pin, &err) == 0, "%s", err.text);
	pin_clear(&pin);
}

static void put_file(const char *name, const char *text)
{
	struct err err = ERR_INIT;

	ck_assert_msg(store_put(&store, name, text, strlen(text), &err) == 0, "%s", err.text);
}

START_TEST(a_pin_means_the_same_later)
{
	struct pin pin;
	struct debian_package got;
	struct err err = ERR_INIT;

	lock();
	ck_assert_int_eq(store_read_pin(&store, "6.1", &pin, &err), 0);
	put_pin("6.1");
	ck_assert_int_eq(store_read_pin(&store, "6.1", &pin, &err), 1);
	ck_assert_str_eq(pin.spec, "debian:6.1");
	ck_assert_str_eq(pin.release, kernel.release);
	ck_assert_str_eq(pin.version, package.version);
	ck_assert_str_eq(pin.suite, package.suite);
	ck_assert(pin.modules);
	ck_assert(pin_package(&pin, 0, &got));
	ck_assert_str_eq(got.name, package.name);
	ck_assert_str_eq(got.uri, package.uri);
	ck_assert_str_eq(got.file, package.file);
	ck_assert_str_eq(got.sha256, package.sha256);
	ck_assert_uint_eq(got.size_bytes, package.size_bytes);
	ck_assert_uint_eq(got.installed_bytes, package.installed_bytes);
	ck_assert(!pin_package(&pin, 1, &got));
	pin_clear(&pin);
	ck_assert_int_eq(store_remove_pin(&store, "6.1", &err), 0);
	ck_assert_int_eq(store_read_pin(&store, "6.1", &pin, &err), 0);
}
END_TEST

START_TEST(a_tiny_kernels_pin_says_what_it_was_built_of)
{
	struct pin pin, again;
	struct debian_package got;
	struct err err = ERR_INIT;

	lock();
	pin_from_source("tiny:6.1", &package, &pin);
	ck_assert(!pin_is_tiny(&pin)); /* nothing is built yet */
	free(pin.release);
	pin.release = mem_dup("6.1.192-tiny");
	pin.options_sha256 = mem_dup("12ab");
	pin.config_sha256 = mem_dup("34cd");
	pin.compiler = mem_dup("gcc (Debian 12.2.0-14) 12.2.0");
	ck_assert_int_eq(store_write_pin(&store, pin.spec, &pin, &err), 0);
	ck_assert_int_eq(store_read_pin(&store, "tiny:6.1", &again, &err), 1);
	ck_assert(pin_is_tiny(&again));
	ck_assert_str_eq(again.version, package.version);
	ck_assert_str_eq(again.options_sha256, "12ab");
	ck_assert_str_eq(again.config_sha256, "34cd");
	ck_assert_str_eq(again.compiler, "gcc (Debian 12.2.0-14) 12.2.0");
	ck_assert(pin_package(&again, 0, &got));
	ck_assert_str_eq(got.sha256, package.sha256);
	MEM_AUTO char *own = pin_own_spec(&again);
	MEM_AUTO char *place = pin_folder(&again);
	ck_assert_str_eq(own, "tiny:6.1.192-2");
	ck_assert_str_eq(place, "6.1.192-tiny_6.1.192-2");
	pin_clear(&again);
	pin_clear(&pin);
}
END_TEST

START_TEST(a_kernel_of_debians_goes_by_its_release)
{
	struct pin pin;

	pin_from_kernel("debian:6.1", &kernel, &pin);
	MEM_AUTO char *own = pin_own_spec(&pin);
	ck_assert(!pin_is_tiny(&pin));
	ck_assert_str_eq(own, "debian:6.1.0-56-cloud-amd64");
	pin_clear(&pin);
}
END_TEST

/* Who builds does not keep others from fetching. */
START_TEST(a_build_has_a_lock_of_its_own)
{
	struct err err = ERR_INIT;
	FD_AUTO build = store_lock_build(&store, true, NULL, &err);

	ck_assert_int_ge(build, 0);
	ck_assert_int_eq(store_lock_build(&store, false, NULL, &err), -EBUSY);
	lock();
	store_unlock(&store);
	lock();
	fd_close_var(&build);
	build = store_lock_build(&store, false, NULL, &err);
	ck_assert_int_ge(build, 0);
}
END_TEST

static const char *const damaged[] = {
	"",
	"{",
	"[]",
	"{\"spec\": \"debian:6.1\"}",
	/* would leave the cache */
	"{\"spec\": \"\", \"release\": \"../../x\", \"version\": \"1\", \"suite\": \"s\", "
	"\"vmlinux_sha256\": \"\", \"modules\": true, \"packages\": []}",
	"{\"spec\": \"\", \"release\": \"6\", \"version\": \"1\", \"suite\": \"s\", "
	"\"vmlinux_sha256\": \"\", \"modules\": true, \"packages\": [{\"package\": \"x\"}]}",
};

START_TEST(a_damaged_pin_means_nothing)
{
	struct pin pin;
	struct err err = ERR_INIT;

	lock();
	put_file("pins/6.1.json", damaged[_i]);
	ck_assert_int_eq(store_read_pin(&store, "6.1", &pin, &err), 0);
}
END_TEST

START_TEST(lists_are_sorted_and_skip_the_rest)
{
	struct store_pins pins;
	struct err err = ERR_INIT;

	lock();
	put_pin("bookworm");
	put_pin("6.1");
	put_file("pins/x.json", "{");
	ck_assert_int_eq(store_list_pins(&store, &pins, &err), 0);
	ck_assert_uint_eq(pins.n, 2);
	ck_assert_str_eq(pins.all[0].spec, "debian:6.1");
	ck_assert_str_eq(pins.all[1].spec, "debian:bookworm");
	store_pins_free(&pins);
}
END_TEST

/* ---- kernels -------------------------------------------------------------------------------- */

static void put_kernel(const char *name)
{
	MEM_AUTO char *path = store_path(&store, "kernels/%s", name);
	MEM_AUTO char *image = mem_printf("kernels/%s/vmlinux", name);

	ck_assert_int_eq(mkdir(path, 0755), 0);
	put_file(image, "ELF");
}

START_TEST(a_kernel_that_runs_is_not_removed)
{
	MEM_AUTO char *path = store_path(&store, "kernels/k/vmlinux");
	struct err err = ERR_INIT;

	lock();
	put_kernel("k");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_SH), 0);
	ck_assert_int_eq(store_remove_kernel(&store, "k", &err), -EBUSY);
	ck_assert_str_eq(err.text, "kernel 'k' is used by a machine that runs");
	ck_assert_int_eq(access(path, F_OK), 0);
	(void)close(fd);
	ck_assert_int_eq(store_remove_kernel(&store, "k", &err), 0);
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(store_remove_kernel(&store, "k", &err), 0);
}
END_TEST

/* ---- the lock ------------------------------------------------------------------------------- */

START_TEST(the_lock_empties_what_was_left)
{
	MEM_AUTO char *left = store_path(&store, "work/new");
	MEM_AUTO char *file = store_path(&store, "work/new/vmlinux");

	lock();
	ck_assert_int_eq(mkdir(left, 0755), 0);
	put_file("work/new/vmlinux", "half");
	ck_assert_int_eq(access(file, F_OK), 0);
	fd_close_var(&store.lock); /* as by kill -9 */
	lock();
	ck_assert_int_ne(access(left, F_OK), 0);
}
END_TEST

static void count(void *data, const char *what, double percent)
{
	(void)percent;
	ck_assert_str_eq(what, "waiting for another oomlab");
	++*(int *)data;
	(void)raise(SIGTERM); /* blocked: comes while waiting */
}

START_TEST(waiting_for_the_lock_ends_by_a_signal)
{
	struct store other;
	struct err err = ERR_INIT;
	int told = 0;
	const struct fetch_watch watch = {count, NULL, &told};
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	lock();
	ck_assert_int_eq(store_open(&other, &err), 0);
	ck_assert_int_eq(store_lock(&other, &watch, &err), -EINTR);
	ck_assert_int_eq(told, 1);
	ck_assert_int_eq(other.lock, -1);
	ck_assert_int_eq(sigpending(&pending), 0);
	ck_assert_msg(sigismember(&pending, SIGTERM) == 1, "the signal is whose it was for");
	store_close(&other);
}
END_TEST

/* ---- hashes --------------------------------------------------------------------------------- */

START_TEST(hashes_are_those_of_the_standard)
{
	char text[SHA256_TEXT], again[SHA256_TEXT];
	MEM_AUTO char *path = store_path(&store, "index");
	struct err err = ERR_INIT;

	sha256_of("abc", 3, text);
	ck_assert_str_eq(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	lock();
	put_file("index", "abc");
	FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(lseek(fd, 2, SEEK_SET), 2);
	ck_assert_int_eq(sha256_of_fd(fd, again, &err), 0);
	ck_assert_str_eq(text, again);
}
END_TEST

/* A file that is older than a moment; that of the tests may be of this second. */
START_TEST(a_sum_is_remembered_for_a_file_as_it_was)
{
	struct err err = ERR_INIT;
	MEM_AUTO char *young = store_path(&store, "young");
	FD_AUTO old = fd_open_at(AT_FDCWD, "/bin/sh", O_RDONLY, 0, &err);

	ck_assert_int_ge(old, 0);
	ck_assert(!summed_before(&store, "summed", old, sha256_text));
	summed_keep(&store, "summed", old, sha256_text);
	ck_assert(summed_before(&store, "summed", old, sha256_text));
	ck_assert(!summed_before(&store, "summed", old, "another sum"));

	FD_AUTO other = fd_open_at(AT_FDCWD, "/bin/cat", O_RDONLY, 0, &err);
	ck_assert_int_ge(other, 0);
	ck_assert(!summed_before(&store, "summed", other, sha256_text));

	/* Who wrote it may still be writing. */
	FD_AUTO fresh = fd_open_at(AT_FDCWD, young, O_RDWR | O_CREAT, 0644, &err);
	ck_assert_int_ge(fresh, 0);
	summed_keep(&store, "other", fresh, sha256_text);
	ck_assert(!summed_before(&store, "other", fresh, sha256_text));
	ck_assert_int_ne(faccessat(store.dir, "other", F_OK, 0), 0);
}
END_TEST

Suite *store_suite(void)
{
	Suite *suite = suite_create("store");
	TCase *tests = tcase_create("cache");

	tcase_add_checked_fixture(tests, open_store, close_store);
	tcase_add_test(tests, a_pin_means_the_same_later);
	tcase_add_test(tests, a_tiny_kernels_pin_says_what_it_was_built_of);
	tcase_add_test(tests, a_kernel_of_debians_goes_by_its_release);
	tcase_add_test(tests, a_build_has_a_lock_of_its_own);
	tcase_add_loop_test(tests, a_damaged_pin_means_nothing, 0,
			    (int)(sizeof(damaged) / sizeof(damaged[0])));
	tcase_add_test(tests, lists_are_sorted_and_skip_the_rest);
	tcase_add_test(tests, a_kernel_that_runs_is_not_removed);
	tcase_add_test(tests, the_lock_empties_what_was_left);
	tcase_add_test(tests, waiting_for_the_lock_ends_by_a_signal);
	tcase_add_test(tests, hashes_are_those_of_the_standard);
	tcase_add_test(tests, a_sum_is_remembered_for_a_file_as_it_was);
	suite_add_tcase(suite, tests);
	return suite;
}
