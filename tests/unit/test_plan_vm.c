/*
 * harness/plan: what belongs into a virtual machine, and never runs outside of one.
 */
#include <check.h>
#include <string.h>

#include "base/str.h"
#include "tests/lib/scenario_rig.h"

Suite *plan_vm_suite(void);

enum { MIB = 1 << 20 };

#define HOG                           \
	"tasks: {hog: {run: step}}\n" \
	"steps: [{step: {task: hog, size: 50%}}]\n"

static void be_virtual(struct rig *rig)
{
	scenario_rig_init(rig);
	rig->facts.vm = rig->facts.disposable = true;
	rig->facts.mem_available_bytes = 100 * MIB;
}

/* Not even where everything dangerous is allowed, and with one reason whatever else is missing. */
START_TEST(elsewhere_it_is_a_skip)
{
	struct rig rig;

	scenario_rig_init(&rig);
	rig.facts.disposable = _i == 1;
	scenario_rig_plan(&rig, "needs: {vm: yes, cpus: 64, nodes: 9}\npanic: deadlocked\n" HOG);
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert_pstr_eq(rig.plan->skip, "runs in a virtual machine: oomlab vm");
	ck_assert(rig.plan->dangerous);
	scenario_rig_free(&rig);
}
END_TEST

START_TEST(there_it_is_alone_and_the_machine_is_its_limit)
{
	struct rig rig;

	be_virtual(&rig);
	scenario_rig_plan(&rig, "needs: {vm: yes, programs: [sh, stress]}\n"
				"panic: '^System is deadlocked'\n" HOG);
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert_ptr_null(rig.plan->skip);
	ck_assert(rig.plan->vm && rig.plan->exclusive && rig.plan->dangerous);
	ck_assert_str_eq(rig.plan->panic, "^System is deadlocked");
	ck_assert_int_eq(rig.plan->panic_at->line, 2);
	ck_assert_uint_eq(rig.plan->steps[0].bytes, 50 * MIB);
	ck_assert_uint_eq(rig.plan->n_programs, 2);
	ck_assert_str_eq(rig.plan->programs[1], "stress");
	scenario_rig_free(&rig);
}
END_TEST

START_TEST(others_share_the_machine)
{
	struct rig rig;

	be_virtual(&rig);
	scenario_rig_plan(&rig, "groups: {g: {memory.max: 8M}}\n"
				"tasks: {hog: {run: step, group: g}}\n"
				"steps: [{step: {task: hog, size: 50%}}]\n");
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert(!rig.plan->vm && !rig.plan->exclusive);
	ck_assert_uint_eq(rig.plan->steps[0].bytes, 4 * MIB);
	scenario_rig_free(&rig);
	be_virtual(&rig);
	scenario_rig_plan(&rig, "needs: {vm: no}\nsteps: [{expect: {}}]\n");
	ck_assert_pstr_eq(rig.plan->skip, "needs a machine that is not one of 'oomlab vm'");
	scenario_rig_free(&rig);
}
END_TEST

START_TEST(steps_and_nodes)
{
	struct rig rig;

	be_virtual(&rig);
	rig.facts.nodes = 2;
	scenario_rig_plan(&rig, "needs: {vm: yes}\n"
				"tasks: {a: {run: step, node: 1}, b: {run: step}}\n"
				"steps: [{sysrq: f}, {expect: {touched: {a: <=50%}}}]\n");
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert_ptr_null(rig.plan->skip);
	ck_assert_int_eq(rig.plan->tasks[0].node, 1);
	ck_assert_int_eq(rig.plan->tasks[1].node, -1);
	ck_assert_int_eq(rig.plan->steps[0].kind, PLAN_SYSRQ);
	ck_assert_int_eq(rig.plan->steps[0].key, 'f');
	scenario_rig_free(&rig);
	be_virtual(&rig);
	rig.facts.nodes = 1;
	scenario_rig_plan(&rig, "tasks: {a: {run: heartbeat, node: 1}}\nsteps: [{expect: {}}]\n");
	ck_assert_pstr_eq(rig.plan->skip, "needs NUMA node 1; here are 1 nodes");
	scenario_rig_free(&rig);
}
END_TEST

static const struct {
	const char *text, *mistakes;
} wrong[] = {
	{"needs: {vm: yes}\npanic: '(deadlocked'\nsteps: [{expect: {}}]\n",
	 "t.yaml:2:8: panic: '(deadlocked' is no regular expression: Unmatched ( or \\(\n"},
	{"panic: deadlocked\nsteps: [{expect: {}}]\n",
	 "t.yaml:1:8: panic: only a virtual machine is seen to panic, expected 'needs: {vm: "
	 "yes}'\n"},
	{"steps: [{sysrq: f}]\n", "t.yaml:1:17: sysrq: it kills any process of the machine, "
				  "expected 'needs: {vm: yes}'\n"},
	{"needs: {vm: yes}\nsteps: [{expect: {says: '[a'}}]\n",
	 "t.yaml:2:25: says: '[a' is no regular expression: Unmatched [, [^, [:, [., or [=\n"},
};

START_TEST(mistakes)
{
	MEM_AUTO char *found = scenario_rig_mistakes(wrong[_i].text);

	ck_assert_str_eq(found, wrong[_i].mistakes);
}
END_TEST

Suite *plan_vm_suite(void)
{
	Suite *suite = suite_create("plan_vm");
	TCase *tcase = tcase_create("plan_vm");

	tcase_add_loop_test(tcase, elsewhere_it_is_a_skip, 0, 2);
	tcase_add_test(tcase, there_it_is_alone_and_the_machine_is_its_limit);
	tcase_add_test(tcase, others_share_the_machine);
	tcase_add_test(tcase, steps_and_nodes);
	tcase_add_loop_test(tcase, mistakes, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
