/*
 * What a kernel module says of itself: the strings of its .modinfo section, "key=value" each with a
 * final NUL. libkmod would do it, but costs every oomlab command the start of libcrypto. See
 * modinfo.h.
 */
#include "harness/vm/modinfo.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const Elf64_Shdr *sections(const char *data, size_t size, const Elf64_Ehdr **ret)
{
	const Elf64_Ehdr *elf = (const void *)data;

	if (size < sizeof(*elf) || memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0 ||
	    elf->e_ident[EI_CLASS] != ELFCLASS64 || elf->e_shentsize != sizeof(Elf64_Shdr) ||
	    elf->e_shoff % 8 || elf->e_shoff > size ||
	    elf->e_shnum > (size - elf->e_shoff) / sizeof(Elf64_Shdr) ||
	    elf->e_shstrndx >= elf->e_shnum)
		return NULL;
	*ret = elf;
	return (const void *)(data + elf->e_shoff);
}

static bool inside(const Elf64_Shdr *section, size_t size)
{
	return section->sh_offset <= size && section->sh_size <= size - section->sh_offset;
}

int modinfo_read(const char *data, size_t size, modinfo_fn fn, void *arg, struct err *err)
{
	const Elf64_Ehdr *elf = NULL;
	const Elf64_Shdr *all = sections(data, size, &elf);

	if (!all || !inside(&all[elf->e_shstrndx], size))
		return err_set(err, EPROTO, "is no 64-bit ELF file");
	const Elf64_Shdr *names = &all[elf->e_shstrndx];
	for (unsigned i = 0; i < elf->e_shnum; i++) {
		static const char wanted[] = ".modinfo";
		if (all[i].sh_name > names->sh_size ||
		    names->sh_size - all[i].sh_name < sizeof(wanted) ||
		    memcmp(data + names->sh_offset + all[i].sh_name, wanted, sizeof(wanted)) != 0 ||
		    !inside(&all[i], size))
			continue;
		const char *at = data + all[i].sh_offset, *end = at + all[i].sh_size;
		for (const char *stop; at < end && (stop = memchr(at, '\0', (size_t)(end - at)));
		     at = stop + 1) {
			int r = *at ? fn(arg, at, err) : 0;
			if (r < 0)
				return r;
		}
		return 0;
	}
	return err_set(err, EPROTO, "has no section .modinfo");
}
