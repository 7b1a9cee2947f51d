package tokenizer

import (
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

var hello = []Message{{Role: "user", Text: "hello"}, {Role: "assistant", Text: "hi\r\n"}}

func TestTemplates(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"loop", "{% for m in messages %}{{ loop.index }}{{ m.role }}:{{ m['content'] }};{% endfor %}", "1user:hello;2assistant:hi\r\n;"},
		{"trim blocks", "{% if true %}\n  {% if true %}\nx\n  {% endif %}\n{% endif %}\n", "x\n"},
		{"macro", "{% macro f(x, n=1) %}[{{ x }}{{ n }}]{% endmacro %}{{ f('a') }}{{ f('b', n=2) }}", "[a1][b2]"},
		{"namespace", "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "2"},
		{"range", "{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(5, 1, -2) %}{{ i }}{% endfor %}{% for i in range(1, 3) %}{{ i }}{% endfor %}", "0125312"},
		{"undefined", "{% if tools %}x{% endif %}{{ messages[0].nothing }}", ""},
	}
	for _, test := range tests {
		c := ParseChatTemplate("t.jinja", test.source)
		if got, err := c.Render(hello, RenderOptions{}); err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", test.name, got, err, test.want)
		}
	}
}

// A template that cannot be run, or that would not end, is an error that names
// its file, in good time.
func TestTemplatesRefused(t *testing.T) {
	deep := func(s string) string { return strings.Repeat(s, (maxTemplate-16)/len(s)) }
	tests := []struct{ name, source, want string }{
		{"open", "{% for m in messages %}", ""},
		{"no such block", "{% frobnicate %}", `line 1: the tag "frobnicate" is not supported`},
		{"no such filter", "{{ messages|frobnicate }}", `the filter "frobnicate" is not supported`},
		{"no such function", "{{ now('%d') }}", "now is called"},
		{"no such directive", "{{ strftime_now('%Q') }}", "%Q"},
		{"raises", "{{ raise_exception('no " + "tools') }}", "no tools"},
		{"include", "{% include '/etc/passwd' %}", ""},
		{"extends", "{% extends '/etc/passwd' %}", ""},
		{"too long", strings.Repeat("x", maxTemplate+1), "at most"},
		{"endless macro", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "nested"},
		{"macros of each other", "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}", "nested"},
		{"recursive loop", "{% for m in messages recursive %}{{ loop(messages) }}{% endfor %}", "nested"},
		{"long range", "{% for i in range(1000000000) %}{% endfor %}", "range"},
		{"bad range", "{% for i in range('a') %}{% endfor %}", "range"},
		{"range of step 0", "{% for i in range(0, 1, 0) %}{% endfor %}", "step"},
		{"loops in loops", "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", "longer than"},
		{"long prompt", "{% for i in range(100000) %}" + strings.Repeat("x", 1000) + "{% endfor %}", "prompt is longer"},
		{"doubling", "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", "bytes"},
		{"doubling lists", "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", "bytes"},
		{"a long text", "{{ 'a' * 1000000000000 }}", "bytes"},
		{"a wide number", "{{ '%999999999d' % 1 }}", "width"},
		{"its underscores", "{{ messages.__class__ }}", "_"},
		{"sums without end", "{{ 1" + deep(" + 1") + " }}", "nested"},
		{"parentheses", "{{ " + deep("("), ""},
		{"brackets", "{{ " + deep("["), ""},
		{"nots", "{{ " + deep("not ") + "1", ""},
		{"closed brackets", "{{ " + strings.Repeat("[", 32000) + strings.Repeat("]", 32000) + " + 1 }}", ""},
		{"closed parentheses", "{{ " + strings.Repeat("(", 32000) + strings.Repeat(")", 32000) + " }}", ""},
		{"closed calls", "{{ " + strings.Repeat("range(", 9000) + strings.Repeat(")", 9000) + " }}", ""},
		{"expressions as deep as may be, in macros", "{% macro f() %}{{ " + strings.Repeat("[", 190) + "f()" + strings.Repeat("]", 190) + " }}{% endmacro %}{{ f() }}", "nested"},
		{"blocks in macros", "{% macro f() %}" + strings.Repeat("{% if 1 %}", 98) + "{{ f() }}" + strings.Repeat("{% endif %}", 98) + "{% endmacro %}{{ f() }}", "nested"},
		{"raises in a list", "{{ [raise_exception('x')] }}", "refuses"},
		{"blocks", deep("{% if 1 %}"), "inside each other"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := ParseChatTemplate("t.jinja", test.source)
			c.limit = time.Hour // what is refused for its size is so on a slow machine too
			if test.want == "longer than" {
				c.limit = maxRender / 250
			}
			_, err := c.Render(hello, RenderOptions{})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "t.jinja") {
				t.Errorf("error %v, want one with t.jinja and %q", err, test.want)
			} else if len(err.Error()) > 500 || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is no short sentence: %q", err)
			}
		})
	}
}

func TestRenderRefusesUnknownParts(t *testing.T) {
	_, err := ParseChatTemplate("t.jinja", "x").Render([]Message{{Role: "user", Parts: []Part{{Type: "audio"}}}}, RenderOptions{})
	if err == nil || !strings.Contains(err.Error(), "message 0: part 0") {
		t.Errorf("error %v", err)
	}
}

// Where a template lies, and which one holds.
func TestLoadChatTemplate(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	tests := []struct {
		name string
		fsys fstest.MapFS
		want string // the prompt, or part of the error
	}{
		// As transformers 5.24 has it: 4.49 to 4.51 took the .jinja first.
		{"json first", fstest.MapFS{"chat_template.jinja": file("a"), "chat_template.json": file(`{"chat_template": "b"}`)}, "b"},
		{"the processor's before all", fstest.MapFS{"processor_config.json": file(`{"chat_template": "p"}`), "chat_template.json": file(`{"chat_template": "b"}`)}, "p"},
		{"jinja", fstest.MapFS{"chat_template.jinja": file("a"), "tokenizer_config.json": file(`{"chat_template": "c"}`), "processor_config.json": file(`{"chat_template": null}`)}, "a"},
		{"jinja with lines of another system", fstest.MapFS{"chat_template.jinja": file("{{ 1 }}\r\n{{ 2 }}\r3")}, "1\n2\n3"},
		{"others beside it", fstest.MapFS{"chat_template.jinja": file("a"), "additional_chat_templates/tool_use.jinja": file("t")}, "a"},
		{"default among others", fstest.MapFS{"additional_chat_templates/default.jinja": file("d"), "additional_chat_templates/tool_use.jinja": file("t")}, "d"},
		{"no default", fstest.MapFS{"additional_chat_templates/tool_use.jinja": file("t")}, "only additional_chat_templates/tool_use.jinja"},
		{"json beside others", fstest.MapFS{"chat_template.json": file(`{"chat_template": "b"}`), "additional_chat_templates/tool_use.jinja": file("t")}, "put the template into chat_template.jinja"},
		{"an object", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template": {"default": "d", "rag": "r"}}`)}, "d"},
		{"then json", fstest.MapFS{"chat_template.json": file(`{"chat_template": "b"}`), "tokenizer_config.json": file(`{"chat_template": "c"}`)}, "b"},
		{"then the config", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template": "{{ eos_token }}{{ pad_token }}", "eos_token": "<e>", "pad_token": {"content": "<p>"}, "bos_token": null}`)}, "<e><p>"},
		{"a list", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template": [{"name": "tool", "template": "t"}, {"name": "default", "template": "d"}]}`)}, "d"},
		{"none", fstest.MapFS{}, "there is no chat template"},
		{"garbage", fstest.MapFS{"chat_template.json": file("\xff\xfe")}, "chat_template.json is not UTF-8"},
		{"another type", fstest.MapFS{"chat_template.json": file(`{"chat_template": 5}`)}, "chat_template.json: chat_template is neither"},
		{"a token of another type", fstest.MapFS{"tokenizer_config.json": file(`{"chat_template": "x", "eos_token": 5}`)}, "eos_token"},
	}
	for _, test := range tests {
		var got string
		c, err := LoadChatTemplateFS(test.fsys)
		if err == nil {
			got, err = c.Render(hello, RenderOptions{})
		}
		if err != nil {
			got = err.Error()
		}
		if got != test.want && (err == nil || !strings.Contains(got, test.want)) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestTemplateNotes: of two templates that differ it is told which one is used.
func TestTemplateNotes(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for text, want := range map[string]int{"a": 0, "b": 1} {
		c, err := LoadChatTemplateFS(fstest.MapFS{"chat_template.jinja": file("a"), "chat_template.json": file(`{"chat_template": "` + text + `"}`)})
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Notes) != want || want == 1 && !strings.Contains(c.Notes[0], "chat_template.jinja differs from that of chat_template.json, which is used") {
			t.Errorf("%s: %q", text, c.Notes)
		}
	}
}

func TestRenderConcurrently(t *testing.T) {
	c, err := LoadChatTemplate("testdata/tiny")
	if err != nil {
		t.Fatal(err)
	}
	want, err := c.Render(hello, RenderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if got, err := c.Render(hello, RenderOptions{}); err != nil || got != want {
					t.Errorf("%q, %v; want %q", got, err, want)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzChatTemplate(f *testing.F) {
	for _, s := range []string{"{% for m in messages %}{{ m.role }}{% endfor %}", "{{ 1/0 }}", "{{ messages[9] }}", "{{ 'a'[::-1] }}", "{%- set x = [1] -%}{{ x.pop() }}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		_, _ = ParseChatTemplate("t.jinja", source).Render(hello, RenderOptions{})
	})
}

// TestVisionIDUndefined: a template may ask whether add_vision_id is defined; the reference defines it where it is asked for.
func TestVisionIDUndefined(t *testing.T) {
	c := ParseChatTemplate("x", "{{ add_vision_id is defined }}")
	for given, want := range map[bool]string{false: "False", true: "True"} {
		if got, err := c.Render(nil, RenderOptions{AddVisionID: given}); err != nil || got != want {
			t.Errorf("%v: %q, %v", given, got, err)
		}
	}
}
