package main

// function is a routine over n times 16 elements of each stream.
type function struct {
	name   string
	family string // the file that it is written to: family_amd64.s
	equals string // the Go function whose loop it is, and the file of kernels/vec or kernels/num that holds it
	// streams are its pointers: floats that go by, in order of the signature; a name that begins with = is one number,
	// and the name lanes the 16 partial results.
	streams []string
	doc     string // the body of that loop, over i
	body    func(p *program)
}

var functions = []function{
	{"add", "elementwise", "Add in elementwise.go", []string{"dst", "a", "b"}, "dst[i] = a[i] + b[i]", func(p *program) {
		p.store("dst", p.add(p.load("a"), p.load("b")))
	}},
	{"scale", "elementwise", "Scale in elementwise.go", []string{"dst", "x", "=s"}, "dst[i] = x[i] * *s", func(p *program) {
		p.store("dst", p.mul(p.load("x"), p.uniform("s")))
	}},
	{"divide", "softmax", "the last loop of Softmax in softmax.go", []string{"dst", "x", "=s"}, "dst[i] = x[i] / *s", func(p *program) {
		p.store("dst", p.div(p.load("x"), p.uniform("s")))
	}},
	{"rotate", "elementwise", "Rotate in rotary.go", []string{"dstLow", "dstHigh", "low", "high", "cos", "sin"},
		"l, h := low[i], high[i]\ndstLow[i] = float32(l*cos[i]) - float32(h*sin[i])\ndstHigh[i] = float32(h*cos[i]) + float32(l*sin[i])", func(p *program) {
			low, high, cos, sin := p.load("low"), p.load("high"), p.load("cos"), p.load("sin")
			p.store("dstLow", p.sub(p.mul(low, cos), p.mul(high, sin)))
			p.store("dstHigh", p.add(p.mul(high, cos), p.mul(low, sin)))
		}},
	{"quickGELU", "activation", "QuickGELU in activation.go", []string{"dst", "x"}, "dst[i] = x[i] * num.Sigmoid(float32(1.702*x[i]))", func(p *program) {
		x := p.load("x")
		p.store("dst", p.mul(x, p.sigmoid(p.mul(x, p.number(1.702)))))
	}},
	{"gelu", "activation", "GELU in activation.go", []string{"dst", "x"}, "dst[i] = float32(x[i]*0.5) * (1 + num.Erf(float32(x[i]*math.Sqrt2/2)))", func(p *program) {
		x := p.load("x")
		e := p.erf(p.mul(x, p.number(0.70710678118654752440)))
		p.store("dst", p.mul(p.mul(x, p.number(0.5)), p.add(e, p.number(1))))
	}},
	{"swiGLU", "activation", "SwiGLU in activation.go", []string{"dst", "gate", "up"}, "dst[i] = float32(gate[i]*num.Sigmoid(gate[i])) * up[i]", func(p *program) {
		gate := p.load("gate")
		p.store("dst", p.mul(p.mul(gate, p.sigmoid(gate)), p.load("up")))
	}},
	{"quickGELUBackward", "activation", "QuickGELUBackward in activation.go", []string{"dx", "x", "dy"},
		"s := num.Sigmoid(float32(1.702*x[i]))\ndx[i] += float32(dy[i] * (s + float32(float32(float32(1.702*x[i])*s)*(1-s))))", func(p *program) {
			x := p.mul(p.load("x"), p.number(1.702))
			s := p.sigmoid(x)
			slope := p.add(s, p.mul(p.mul(x, s), p.sub(p.number(1), s)))
			p.store("dx", p.add(p.load("dx"), p.mul(p.load("dy"), slope)))
		}},
	{"swiGLUBackward", "activation", "SwiGLUBackward in activation.go", []string{"dgate", "dup", "gate", "up", "dy"},
		"s := num.Sigmoid(gate[i])\nsilu := float32(gate[i] * s)\ndgate[i] += float32(float32(dy[i]*up[i]) * (s + float32(silu*(1-s))))\ndup[i] += float32(dy[i] * silu)", func(p *program) {
			gate, dy := p.load("gate"), p.load("dy")
			s := p.sigmoid(gate)
			silu := p.mul(gate, s)
			slope := p.add(s, p.mul(silu, p.sub(p.number(1), s)))
			p.store("dgate", p.add(p.load("dgate"), p.mul(p.mul(dy, p.load("up")), slope)))
			p.store("dup", p.add(p.load("dup"), p.mul(dy, silu)))
		}},
	{"rmsNorm", "norm", "rmsNorm in rmsnorm.go", []string{"dst", "x", "weight", "=r"}, "dst[i] = weight[i] * float32(x[i]**r)", func(p *program) {
		p.store("dst", p.mul(p.mul(p.load("x"), p.uniform("r")), p.load("weight")))
	}},
	{"layerNorm", "norm", "layerNorm in layernorm.go", []string{"dst", "x", "weight", "bias", "=mean", "=r"},
		"dst[i] = float32(float32((x[i]-*mean)**r)*weight[i]) + bias[i]", func(p *program) {
			x := p.mul(p.sub(p.load("x"), p.uniform("mean")), p.uniform("r"))
			p.store("dst", p.add(p.mul(x, p.load("weight")), p.load("bias")))
		}},
	{"expSum", "softmax", "the middle of Softmax in softmax.go", []string{"dst", "x", "=top", "lanes"}, "dst[i] = num.Exp(x[i] - *top)\nlanes[i%16] += dst[i]", func(p *program) {
		e := p.exp(p.sub(p.load("x"), p.uniform("top")))
		p.store("dst", e)
		p.accumulate("add", e)
	}},
	{"columnsExpSum", "softmax", "expSum in columns.go", []string{"x", "tops", "sums"}, "x[i] = num.Exp(x[i] - tops[i])\nsums[i] += x[i]", func(p *program) {
		e := p.exp(p.sub(p.load("x"), p.load("tops")))
		p.store("x", e)
		p.store("sums", p.add(p.load("sums"), e))
	}},
	{"columnsScaleMax", "softmax", "scaleMax in columns.go", []string{"x", "=s", "tops"}, "x[i] *= *s\nif x[i] > tops[i] {\n\ttops[i] = x[i]\n}", func(p *program) {
		x := p.mul(p.load("x"), p.uniform("s"))
		p.store("x", x)
		p.store("tops", p.binary("max", x, p.load("tops")))
	}},
	{"columnsDivide", "softmax", "divide in columns.go", []string{"x", "y"}, "x[i] /= y[i]", func(p *program) {
		p.store("x", p.div(p.load("x"), p.load("y")))
	}},
	{"maximum", "reduce", "ArgMax in num/reduce.go, of each lane", []string{"x", "lanes"}, "if x[i] > lanes[i%16] {\n\tlanes[i%16] = x[i]\n}", func(p *program) {
		p.accumulate("max", p.load("x"))
	}},
	{"sum", "reduce", "Add in num/reduce.go", []string{"x", "lanes"}, "lanes[i%16] += x[i]", func(p *program) {
		p.accumulate("add", p.load("x"))
	}},
	{"sumSquares", "reduce", "AddSquares in num/reduce.go", []string{"x", "=mean", "lanes"}, "d := x[i] - *mean\nlanes[i%16] += float32(d * d)", func(p *program) {
		d := p.sub(p.load("x"), p.uniform("mean"))
		p.accumulate("add", p.mul(d, d))
	}},
	{"dot", "reduce", "AddProducts in num/reduce.go", []string{"a", "b", "lanes"}, "lanes[i%16] += float32(a[i] * b[i])", func(p *program) {
		p.accumulate("add", p.mul(p.load("a"), p.load("b")))
	}},
	{"softmaxBackward", "softmax", "softmaxBackward in softmax.go", []string{"dp", "p", "=dot"}, "dp[i] = p[i] * (dp[i] - *dot)", func(p *program) {
		p.store("dp", p.mul(p.load("p"), p.sub(p.load("dp"), p.uniform("dot"))))
	}},
	{"nonFinite", "reduce", "FirstNonFinite in num/reduce.go, of each lane", []string{"x", "lanes"}, "lanes[i%16] += x[i] - x[i] // 0, or NaN for ever after an infinity or NaN", func(p *program) {
		x := p.load("x")
		p.accumulate("add", p.sub(x, x))
	}},
}

// exp is Exp of kernels/num/exp.go, operation by operation.
func (p *program) exp(x value) value {
	x = p.binary("min", p.number(89), x)
	x = p.binary("max", p.number(-104), x)
	shift := p.number(0x1.8p23 + 254)
	z := p.add(p.mul(x, p.number(1.44269504)), shift)
	n := p.sub(z, shift)
	high := p.sub(x, p.mul(n, p.number(0.693359375)))
	low := p.mul(n, p.number(-2.12194440e-4))
	r := p.sub(high, low)
	q := p.horner(r, 0x1.6a543cp-10, 0x1.12398ep-7, 0x1.5558aap-5, 0x1.555492p-3, 0x1.fffffcp-2)
	e := p.add(p.add(high, p.sub(p.mul(p.mul(r, r), q), low)), p.number(1))
	half := p.shift("shr", z, 1)
	e = p.mul(e, p.shift("shl", half, 23))
	return p.mul(e, p.shift("shl", p.binary("isub", z, half), 23))
}

// horner is the polynomial of r with these coefficients, the highest first.
func (p *program) horner(r value, coefficients ...float32) value {
	q := p.number(coefficients[0])
	for _, c := range coefficients[1:] {
		q = p.add(p.mul(r, q), p.number(c))
	}
	return q
}

// sigmoid is Sigmoid of kernels/num/exp.go.
func (p *program) sigmoid(x value) value {
	one := p.number(1)
	e := p.exp(p.binary("or", x, p.word(1<<31)))
	s := p.add(e, one)
	q := p.div(e, s)
	lost := p.sub(e, p.sub(s, one))
	return p.negative(x, p.sub(q, p.mul(q, lost)), p.sub(one, q))
}

// erf is Erf of kernels/num/exp.go, both of its branches.
func (p *program) erf(x value) value {
	sign, one := p.word(1<<31), p.number(1)
	t := p.binary("min", p.number(4), p.binary("and", x, p.word(1<<31-1)))
	near := p.horner(p.mul(t, t), -0x1.3ec7ep-11, 0x1.485268p-8, -0x1.b6b7d2p-6, 0x1.ce1d3ap-4, -0x1.8126f4p-2, 0x1.06eba6p-3)
	near = p.add(x, p.mul(x, near))
	far := p.horner(t, 0x1.c117e2p-13, -0x1.a593d8p-9, 0x1.771c46p-6, -0x1.af2fd6p-4, -0x1.457bf8p-1, -0x1.20e676p+0)
	far = p.binary("or", p.sub(one, p.exp(p.mul(t, far))), p.binary("and", x, sign))
	return p.negative(p.sub(t, p.number(0.9)), near, far)
}
