/*
 * Gives a PCI function to a driver with nothing but system calls: loads a module,
 * writes the override, unbinds and probes. It is linked statically, so that no library
 * can be put between it and the kernel.
 *
 * static_client DEVICE MODULE.ko DRIVER
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PCI "/sys/bus/pci"

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err(1, "%s", path);
	close(fd);
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
		err(1, "finit_module %s", path);
	close(fd);
}

int main(int argc, char **argv)
{
	char path[256], driver[256];
	struct utsname kernel;
	struct statfs sysfs;
	ssize_t length;

	if (argc != 4)
		errx(2, "DEVICE MODULE.ko DRIVER are needed");
	if (uname(&kernel) || statfs("/sys", &sysfs))
		err(1, "uname, statfs");
	load(argv[2]);
	snprintf(path, sizeof(path), PCI "/devices/%s/driver_override", argv[1]);
	put(path, argv[3]);
	snprintf(path, sizeof(path), PCI "/devices/%s/driver/unbind", argv[1]);
	put(path, argv[1]);
	put(PCI "/drivers_probe", argv[1]);
	snprintf(path, sizeof(path), PCI "/devices/%s/driver", argv[1]);
	length = readlink(path, driver, sizeof(driver) - 1);
	if (length < 0)
		err(1, "%s", path);
	driver[length] = 0;
	printf("%s %lx %s\n", kernel.release, (long)sysfs.f_type, strrchr(driver, '/') + 1);
	return 0;
}
