/*
 * See bytes.h.
 */
#include "harness/record/bytes.h"

#include <string.h>

/* In UTF-8: up to 0x7f one byte, from 0x80 up to 0x7ff two, 110xxxxx 10xxxxxx. */
enum { NUL_AS = 0x100, TWO = 0xc0, MORE = 0x80, LOW_BITS = 6, LOW = 0x3f };

json_t *bytes_to_json(const void *bytes, size_t n)
{
	const unsigned char *at = bytes;
	STR_AUTO text = STR_INIT;

	for (size_t i = 0; i < n; i++) {
		unsigned int c = at[i] ? at[i] : NUL_AS;
		const char two[] = {(char)(TWO | c >> LOW_BITS), (char)(MORE | (c & LOW))};
		const char one = (char)c;
		str_addn(&text, c < MORE ? &one : two, c < MORE ? 1 : sizeof(two));
	}
	return json_stringn(str_text(&text), text.len);
}

bool bytes_from_json(const json_t *json, struct str *out)
{
	const char *text = json_string_value(json);
	size_t len = json_string_length(json), before = out->len;

	if (!text)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned int c = (unsigned char)text[i];
		if (c >= MORE && i + 1 < len)
			c = (c & LOW) << LOW_BITS | ((unsigned char)text[++i] & LOW);
		const char byte = (char)c;
		if (c > NUL_AS) {
			out->len = before;
			return false;
		}
		str_addn(out, &byte, 1);
	}
	return true;
}
