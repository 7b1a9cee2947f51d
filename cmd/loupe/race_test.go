//go:build race

package main

// raceDetector is set where the race detector runs, which takes memory of its own.
const raceDetector = true
