package audit

import "github.com/loupe-vl/loupe/weights/disk"

// lock locks the directory of records for this process. If another process has it, the error names it.
func lock(dir string) (release func(), err error) {
	l, err := disk.LockFor("audit log", dir)
	if err != nil {
		return nil, err
	}
	return l.Release, nil
}
