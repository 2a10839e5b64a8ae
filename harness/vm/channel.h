/*
 * What host and guest of a virtual machine say to each other on the second serial port: one JSON
 * object a line. The console is the first port, so nothing that is printed there can be taken for
 * a verdict. The first process moves the port's device to another name before anything else runs:
 * what writes to all that is called ttyS* does not get here. (Root in the guest that means to can
 * fake whatever it wants; that is no text by chance.)
 *
 *   guest: {"ready": {"protocol": 1, "kernel": RELEASE, "troubles": TEXT, "lack": TEXT}}, when
 *          it has booted; "lack": what this kernel does not have and no scenario can do without
 *   host:  {"wake": {"unix_ns": N, "entropy": HEX}}, then, and when it goes on from a saved state
 *   guest: {"awake": true}
 *   host:  {"run": [WORD, ...]}   'oomlab WORD ...', whose stream of results goes to the channel
 *   guest: the lines of that stream (report/report_stream.c), then {"done": EXIT STATUS}
 *   host:  {"ask": ...}           a line for the stdin of what runs (cmd/run_asked.h)
 *   host:  {"shell": {"rows": N, "columns": N, "term": NAME}}   on the console; then {"done": ...}
 *   host:  {"exec": {"command": TEXT}}   by the shell, without a terminal
 *   guest: {"out": BYTES} and {"err": BYTES} (record/bytes.h), then {"done": EXIT STATUS}
 *   guest: {"refused": TEXT}      to what it does not understand
 *   host:  {"quit": true}
 */
#ifndef OOMLAB_VM_CHANNEL_H
#define OOMLAB_VM_CHANNEL_H

enum {
	CHANNEL_VERSION = 1,
	CHANNEL_EXIT_PORT = 0xf4, /* of QEMU's isa-debug-exit */
	CHANNEL_EXIT_VALUE = 16,
	CHANNEL_EXIT_STATUS = CHANNEL_EXIT_VALUE << 1 | 1, /* of QEMU then */
};
#define CHANNEL_DEVICE "/dev/ttyS1"
#define CHANNEL_HIDDEN "/dev/.oomlab-channel" /* where it is while anything of a scenario runs */
#define CHANNEL_LACK   "OOMLAB_LACK" /* "lack" in the environment of what runs in the guest */

#endif
