import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { TemplateError } from '../../../../src/lib/go-template/nodes.ts'
import { compileTemplate } from '../../../../src/lib/go-template/template.ts'
import { formatValue, TemplateObject, type Value } from '../../../../src/lib/go-template/value.ts'

const data: Value = {
  A: { B: 'x', n: 3 },
  M: { k: 1, a: true },
  L: [1, 2, 3],
  E: [],
  N: null,
  S: 'hello',
  F: 1.5,
  big: 9223372036854771712n,
}

const render = (source: string) => compileTemplate(source)(data)

// Source, and what Go's text/template prints for it.
const cases: [string, string][] = [
  ['plain', 'plain'],
  ['{{.A.B}}-{{ .S }}', 'x-hello'],
  ['{{.M}} {{.L}} {{.N}} {{.F}} {{.big}}', 'map[a:true k:1] [1 2 3] <nil> 1.5 9223372036854771712'],
  ['{{.Nope}}', '<no value>'],
  ['{{range $k, $v := .M}}{{$k}}={{$v}};{{end}}', 'a=true;k=1;'],
  ['{{range $i, $e := .L}}{{$i}}{{$e}} {{end}}', '01 12 23 '],
  ['{{range .E}}x{{else}}none{{end}}', 'none'],
  ['{{range .L}}{{if eq . 2}}{{continue}}{{end}}{{.}}{{end}}', '13'],
  ['{{range .L}}{{if eq . 2}}{{break}}{{end}}{{.}}{{end}}', '1'],
  ['{{range 3}}{{.}}{{end}}', '012'],
  ['{{if .N}}a{{else if .E}}b{{else}}c{{end}}', 'c'],
  ['{{with .A}}{{.B}}{{$.S}}{{end}}', 'xhello'],
  ['{{with .N}}a{{else with .A}}{{.B}}{{end}}', 'x'],
  ['{{$x := 1}}{{range .L}}{{$x = .}}{{end}}{{$x}}', '3'],
  ['{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}', '21'],
  ['a {{- "b" -}}  c', 'abc'],
  ['{{/* note */}}x{{- /* note */ -}} y', 'xy'],
  ['{{define "t"}}<{{.}}>{{end}}{{template "t" .S}}', '<hello>'],
  ['{{block "t" .S}}[{{.}}]{{end}}', '[hello]'],
  ['{{printf "%5.2f|%-5s|%q|%05d|%x|%v|%t|%%" 3.14159 "ab" "c\\n" 42 255 .L true}}', ' 3.14|ab   |"c\\n"|00042|ff|[1 2 3]|true|%'],
  ['{{printf "%d %s" 1}}', '1 %!s(MISSING)'],
  ['{{printf "%d" "x"}}', '%!d(string=x)'],
  ['{{print 1 2 "a" "b" 3}}|{{println "a" 1}}', '1 2a b3|a 1\n'.replace('a b3', 'ab3')],
  ['{{.S | printf "%s-%s" "x"}}', 'x-hello'],
  ['{{len .S}}{{len .L}}{{len .M}}', '532'],
  ['{{index .L 1}}{{index .M "k"}}{{index .A "B"}}', '21x'],
  ['{{slice .S 1 3}}{{slice .L 1}}', 'el[2 3]'],
  ['{{and 1 0 2}}{{or 0 "" 3}}{{not .N}}', '03true'],
  ['{{eq .S "a" "hello"}}{{ne 1 2}}{{lt 1 2}}{{le 2 2}}{{gt 1 2}}{{ge "b" "a"}}', 'truetruetruetruefalsetrue'],
  ['{{html "<a href=\'x\'>"}} {{js "a\\"b"}} {{urlquery "a b&c"}}', '&lt;a href=&#39;x&#39;&gt; a\\"b a+b%26c'],
  ['{{(index .L 0) | printf "%d-%d" 7}}', '7-1'],
  ['{{`raw "x"`}}{{\'a\'}}{{0x10}}{{1e3}}', 'raw "x"97161000'],
]

for (const [source, expected] of cases) {
  void test(`${source} prints ${JSON.stringify(expected)}`, () => {
    assert.equal(render(source), expected)
  })
}

const failures: [string, string][] = [
  ['{{.Foo', 'template: :1: unclosed action'],
  ['{{foo}}', 'template: :1: function "foo" not defined'],
  ['{{$x}}', 'template: :1: undefined variable "$x"'],
  ['{{if .A}}', 'template: :1: unexpected EOF'],
  ['{{end}}', 'template: :1: unexpected {{end}}'],
  ['{{}}', 'template: :1: missing value for command'],
  ['{{.S.B.C}}', 'template: :1:4: executing "" at <.S.B.C>: can\'t evaluate field B in type interface {}'],
  ['a\n{{.N.B}}', 'template: :2:4: executing "" at <.N.B>: nil pointer evaluating interface {}.B'],
  ['{{index .L 9}}', 'template: :1:2: executing "" at <index .L 9>: error calling index: index out of range: 9'],
  ['{{len}}', 'template: :1:2: executing "" at <len>: wrong number of args for len: want 1 got 0'],
  ['{{template "x"}}', 'template: :1:11: executing "" at <{{template "x"}}>: template "x" not defined'],
]

for (const [source, expected] of failures) {
  void test(`${JSON.stringify(source)} fails as in Go`, () => {
    assert.throws(() => render(source), { name: 'TemplateError', message: expected })
  })
}

void test('a missing key is an error when the caller says so', () => {
  const strict = compileTemplate('{{.A.Zed}}', { missingKey: () => undefined })
  assert.throws(() => strict(data), { message: 'template: :1:4: executing "" at <.A.Zed>: map has no entry for key "Zed"' })
})

void test('methods of an object take arguments and unknown ones name its type', () => {
  const row = new TemplateObject('*row', { ID: () => 'abc', Label: (name) => `<${formatValue(name)}>` })
  assert.equal(compileTemplate('{{.ID}} {{.Label "x"}}')(row), 'abc <x>')
  assert.throws(() => compileTemplate('{{.Foo}}')(row), { message: /at <\.Foo>: can't evaluate field Foo in type \*row$/ })
})

void test('any text either compiles or fails as a TemplateError', () => {
  const piece = fc.constantFrom('{{', '}}', '.', '.A', '$x', ':=', '|', '(', ')', '"s"', 'if ', 'end', 'range ', 'else', ' ', 'len ', '1', '-', 'a')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      try {
        compileTemplate(pieces.join(''))(data)
      } catch (error) {
        assert.ok(error instanceof TemplateError, String(error))
      }
    }),
    { numRuns: 3000 },
  )
})
