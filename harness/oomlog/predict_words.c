/*
 * The words of predictions, as records and messages have them: why one does not decide, and how it
 * came out. See predict.h.
 */
#include "harness/oomlog/predict.h"

static const char *const doubt_names[PREDICT_DOUBTS] = {
	[PREDICT_SURE] = "sure",	 [PREDICT_TIE] = "tie",
	[PREDICT_COUNTERS] = "counters", [PREDICT_ROOM] = "room",
	[PREDICT_RACE] = "race",	 [PREDICT_CHILDREN] = "children",
	[PREDICT_COMMAND] = "command",	 [PREDICT_LEAVING] = "leaving",
	[PREDICT_ASKER] = "asker",
};

static const char *const outcome_names[] = {
	[PREDICT_NONE] = "unforeseen",	     [PREDICT_RIGHT] = "right", [PREDICT_WRONG] = "wrong",
	[PREDICT_UNDECIDED] = "undecidable", [PREDICT_VOID] = "void",
};

const char *predict_doubt_name(enum predict_doubt doubt)
{
	return doubt_names[doubt];
}

const char *predict_outcome_name(enum predict_outcome outcome)
{
	return outcome_names[outcome];
}
