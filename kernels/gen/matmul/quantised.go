package main

func quantised(g *generator) {}
