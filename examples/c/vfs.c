/* List virtual functions with driver and IOMMU group. Stands for your tool. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVICES "/sys/bus/pci/devices"

/* Return the last name in a link's target, or "-" if the link is missing. */
static const char *name_behind(const char *device, const char *link, char *buffer,
			       size_t size)
{
	char path[512];
	ssize_t length;
	const char *last;

	snprintf(path, sizeof(path), DEVICES "/%s/%s", device, link);
	length = readlink(path, buffer, size - 1);
	if (length < 0)
		return "-";
	buffer[length] = '\0';
	last = strrchr(buffer, '/');
	return last ? last + 1 : buffer;
}

int main(void)
{
	struct dirent **entries;
	char function[512], driver[512], group[512];
	int count = scandir(DEVICES, &entries, NULL, alphasort);

	if (count < 0) {
		perror(DEVICES);
		return EXIT_FAILURE;
	}
	for (int i = 0; i < count; i++) {
		const char *device = entries[i]->d_name;

		if (*name_behind(device, "physfn", function, sizeof(function)) != '-')
			printf("%s %s %s\n", device,
			       name_behind(device, "driver", driver, sizeof(driver)),
			       name_behind(device, "iommu_group", group, sizeof(group)));
		free(entries[i]);
	}
	free(entries);
	return EXIT_SUCCESS;
}
