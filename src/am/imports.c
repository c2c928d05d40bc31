/*
 * imports.c
 *		Functions of the server that other libraries call, bound to ours.
 *
 * A library reaches a function of the server through a slot, which the dynamic
 * linker fills with its address when it loads the library.  We put ours there
 * instead: in all libraries that are loaded when we are, and, since the
 * server's own slot for dlopen() is bound the same way, in each one that it
 * loads later, before its _PG_init() runs (an ELF constructor would run before
 * that).
 *
 * What a relocation is and where an object keeps them: elf(5).
 */
#include "postgres.h"

#include "am/imports.h"
#include "miscadmin.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
#define IS_FUNCTION_SLOT(type) ((type) == R_X86_64_JUMP_SLOT || (type) == R_X86_64_GLOB_DAT || (type) == R_X86_64_64)
#elif defined(__aarch64__)
#define IS_FUNCTION_SLOT(type) ((type) == R_AARCH64_JUMP_SLOT || (type) == R_AARCH64_GLOB_DAT || (type) == R_AARCH64_ABS64)
#else
#error "the slots of imported functions are not known for this processor"
#endif

/* What we need of a loaded object. */
typedef struct Object
{
	const char *name;
	const		ElfW(Sym) * symbols;
	const char *names;
	const		ElfW(Rela) * tables[2]; /* of calls, of addresses */
	size_t		lengths[2];
	uintptr_t	base;
	const		ElfW(Phdr) * headers;
	int			nheaders;
} Object;

/* A walk over the objects, in the order of their loading; what the last one left is where the next begins. */
typedef struct Walk
{
	int			first;			/* to look at: those before are bound */
	int			count;			/* objects so far */
	unsigned long long unloads;
	const char *failed;			/* a library that could not be bound ... */
	int			error;			/* ... and why */
} Walk;

static const PsImport *bound;
static int	nbound;
static Walk last_walk;

static void *load_library(const char *file, int mode);

/* The server, which is the first object of all, calls all it has itself: only this. */
static const PsImport of_server[] = {
	{"dlopen", (PsFunction) load_library}
};

static bool
is_our_own(const struct dl_phdr_info *info)
{
	uintptr_t	here = (uintptr_t) ps_imports_bind - info->dlpi_addr;

	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD &&
			here >= info->dlpi_phdr[i].p_vaddr &&
			here < info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz)
			return true;
	return false;
}

/* False if it imports nothing. */
static bool
describe(const struct dl_phdr_info *info, Object *object)
{
	const		ElfW(Dyn) * dynamic = NULL;
	size_t		relative = 0;

	memset(object, 0, sizeof(*object));
	object->name = info->dlpi_name;
	object->base = info->dlpi_addr;
	object->headers = info->dlpi_phdr;
	object->nheaders = info->dlpi_phnum;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			dynamic = (const ElfW(Dyn) *) (info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);

	for (; dynamic != NULL && dynamic->d_tag != DT_NULL; dynamic++)
	{
		/* the linker has made addresses of these, but for the kernel's object */
		uintptr_t	value = dynamic->d_un.d_ptr;
		uintptr_t	address = value < object->base ? object->base + value : value;

		switch (dynamic->d_tag)
		{
			case DT_SYMTAB:
				object->symbols = (const ElfW(Sym) *) address;
				break;
			case DT_STRTAB:
				object->names = (const char *) address;
				break;
			case DT_JMPREL:
				object->tables[0] = (const ElfW(Rela) *) address;
				break;
			case DT_PLTRELSZ:
				object->lengths[0] = value / sizeof(ElfW(Rela));
				break;
			case DT_RELA:
				object->tables[1] = (const ElfW(Rela) *) address;
				break;
			case DT_RELASZ:
				object->lengths[1] = value / sizeof(ElfW(Rela));
				break;
			case DT_RELACOUNT:
				relative = value;
				break;
		}
	}

	/* The first ones of this table, which may be very many, name nothing. */
	if (object->tables[1] != NULL)
	{
		object->tables[1] += relative;
		object->lengths[1] -= relative;
	}
	return object->symbols != NULL && object->names != NULL;
}

/*
 * What may be done with the page at this address.  The linker has taken the
 * right to write from the whole pages of PT_GNU_RELRO: one that lies in it
 * only in part also has data of the library.
 */
static int
protection_of(const Object *object, uintptr_t page, uintptr_t size)
{
	int			protection = 0;

	for (int i = 0; i < object->nheaders; i++)
	{
		const		ElfW(Phdr) * header = &object->headers[i];
		uintptr_t	start = object->base + header->p_vaddr;
		uintptr_t	end = start + header->p_memsz;

		if (header->p_type == PT_LOAD && page + size > start && page < end)
			protection |= ((header->p_flags & PF_R) ? PROT_READ : 0) |
				((header->p_flags & PF_W) ? PROT_WRITE : 0) |
				((header->p_flags & PF_X) ? PROT_EXEC : 0);
		else if (header->p_type == PT_GNU_RELRO && page + size > start && page + size <= end)
			return PROT_READ;
	}
	return protection;
}

/* A slot in code is not aligned, and may lie in two pages. */
static bool
fill_slot(const Object *object, uintptr_t slot, const void *value)
{
	uintptr_t	size = sysconf(_SC_PAGESIZE);
	uintptr_t	first = slot & ~(size - 1);
	uintptr_t	last = (slot + sizeof(value) - 1) & ~(size - 1);

	for (uintptr_t page = first; page <= last; page += size)
	{
		int			protection = protection_of(object, page, size);

		if (!(protection & PROT_WRITE) && mprotect((void *) page, size, protection | PROT_WRITE) != 0)
			return false;
	}
	memcpy((void *) slot, &value, sizeof(value));
	for (uintptr_t page = first; page <= last; page += size)
	{
		int			protection = protection_of(object, page, size);

		if (!(protection & PROT_WRITE))
			(void) mprotect((void *) page, size, protection);
	}
	return true;
}

static bool
bind_object(const Object *object, const PsImport *imports, int n)
{
	bool		done = true;

	for (int table = 0; table < lengthof(object->tables); table++)
	{
		for (size_t i = 0; object->tables[table] != NULL && i < object->lengths[table]; i++)
		{
			const		ElfW(Rela) * slot = &object->tables[table][i];
			const		ElfW(Sym) * symbol = &object->symbols[ELF64_R_SYM(slot->r_info)];

			if (!IS_FUNCTION_SLOT(ELF64_R_TYPE(slot->r_info)) || symbol->st_shndx != SHN_UNDEF)
				continue;
			for (int j = 0; j < n; j++)
				if (strcmp(object->names + symbol->st_name, imports[j].name) == 0)
					done &= fill_slot(object, object->base + slot->r_offset, (const void *) imports[j].ours);
		}
	}
	return done;
}

/* For dl_iterate_phdr(), which holds the linker's lock: nothing here may throw. */
static int
visit(struct dl_phdr_info *info, size_t size, void *arg)
{
	Walk	   *walk = arg;
	int			number = walk->count++;
	Object		object;
	bool		done;

	/* one that went makes room in the order: look at all of them again */
	if (number == 0 && info->dlpi_subs != walk->unloads)
	{
		walk->unloads = info->dlpi_subs;
		walk->first = 0;
	}
	if (number < walk->first || is_our_own(info) || !describe(info, &object))
		return 0;
	done = number == 0 ? bind_object(&object, of_server, lengthof(of_server)) : bind_object(&object, bound, nbound);
	if (!done)
	{
		walk->failed = object.name;
		walk->error = errno;
	}
	return 0;
}

static void
bind_new_objects(void)
{
	Walk		walk = {last_walk.count, 0, last_walk.unloads, NULL, 0};

	dl_iterate_phdr(visit, &walk);
	last_walk = walk;
	if (walk.failed != NULL)
	{
		errno = walk.error;
		ereport(LOG,
				(errmsg("could not guard pagestore tables from library \"%s\": %m",
						walk.failed[0] != '\0' ? walk.failed : my_exec_path)));
	}
}

/* dlopen(), as the server calls it: a library is bound before it is used. */
static void *
load_library(const char *file, int mode)
{
	void	   *handle = dlopen(file, mode);

	if (handle != NULL)
		bind_new_objects();
	return handle;
}

void
ps_imports_bind(const PsImport *imports, int n)
{
	Assert(bound == NULL);
	bound = imports;
	nbound = n;
	bind_new_objects();
}
