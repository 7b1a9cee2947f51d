package audit

import "github.com/loupe-vl/loupe/weights/disk"

// lock takes the directory of records for this process. Where another has it, the error says which.
func lock(dir string) (release func(), err error) {
	l, err := disk.LockFor("audit log", dir)
	if err != nil {
		return nil, err
	}
	return l.Release, nil
}
