package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"syscall"
)

var rrtfNotPlain = errors.New("no plain data")

func rrtfRefuse() { panic("an argument does not fit") }

// Makes a value of a type of what JSON says.
func rrtfRead(given interface{}, kind reflect.Type) reflect.Value {
	made := reflect.New(kind).Elem()
	switch kind.Kind() {
	case reflect.Interface:
		if given != nil {
			made.Set(reflect.ValueOf(rrtfNatural(given)))
		}
	case reflect.Ptr:
		if given != nil {
			made.Set(reflect.New(kind.Elem()))
			made.Elem().Set(rrtfRead(given, kind.Elem()))
		}
	case reflect.Slice, reflect.Array:
		items, ok := rrtfList(given)
		if !ok || kind.Kind() == reflect.Array && len(items) != kind.Len() {
			rrtfRefuse()
		}
		if kind.Kind() == reflect.Slice {
			made.Set(reflect.MakeSlice(kind, len(items), len(items)))
		}
		for at, item := range items {
			made.Index(at).Set(rrtfRead(item, kind.Elem()))
		}
	case reflect.Map:
		items, ok := rrtfList(given)
		if !ok {
			rrtfRefuse()
		}
		made.Set(reflect.MakeMap(kind))
		for _, item := range items {
			pair, ok := item.([]interface{})
			if !ok || len(pair) != 2 {
				rrtfRefuse()
			}
			made.SetMapIndex(rrtfRead(pair[0], kind.Key()), rrtfRead(pair[1], kind.Elem()))
		}
	case reflect.Bool:
		made.SetBool(given.(bool))
	case reflect.String:
		made.SetString(given.(string))
	case reflect.Float32, reflect.Float64:
		made.SetFloat(rrtfReal(given))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if text, ok := given.(string); ok && len([]rune(text)) == 1 {
			made.SetInt(int64([]rune(text)[0]))
			break
		}
		number, err := strconv.ParseInt(string(given.(json.Number)), 10, 64)
		if err != nil || made.OverflowInt(number) {
			rrtfRefuse()
		}
		made.SetInt(number)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if text, ok := given.(string); ok && len(text) == 1 {
			made.SetUint(uint64(text[0]))
			break
		}
		number, err := strconv.ParseUint(string(given.(json.Number)), 10, 64)
		if err != nil || made.OverflowUint(number) {
			rrtfRefuse()
		}
		made.SetUint(number)
	default:
		rrtfRefuse()
	}
	return made
}

func rrtfList(given interface{}) ([]interface{}, bool) {
	if tagged, ok := given.(map[string]interface{}); ok {
		for _, body := range tagged {
			given = body
		}
	}
	items, ok := given.([]interface{})
	return items, ok
}

func rrtfReal(given interface{}) float64 {
	if tagged, ok := given.(map[string]interface{}); ok {
		number, _ := strconv.ParseFloat(tagged["$float"].(string), 64)
		return number
	}
	number, err := strconv.ParseFloat(string(given.(json.Number)), 64)
	if err != nil {
		rrtfRefuse()
	}
	return number
}

// Makes what a parameter of no certain type gets.
func rrtfNatural(given interface{}) interface{} {
	switch found := given.(type) {
	case json.Number:
		if !strings.ContainsAny(string(found), ".eE") {
			if number, err := strconv.Atoi(string(found)); err == nil {
				return number
			}
		}
		return rrtfReal(found)
	case map[string]interface{}:
		if _, ok := found["$float"]; ok {
			return rrtfReal(found)
		}
		items, _ := rrtfList(found)
		if _, ok := found["$dict"]; !ok {
			return rrtfNatural(items)
		}
		made := map[interface{}]interface{}{}
		for _, item := range items {
			pair := item.([]interface{})
			made[rrtfNatural(pair[0])] = rrtfNatural(pair[1])
		}
		return made
	case []interface{}:
		made := []interface{}{}
		for _, item := range found {
			made = append(made, rrtfNatural(item))
		}
		return made
	}
	return given
}

func rrtfTell(out *strings.Builder, value reflect.Value) {
	switch value.Kind() {
	case reflect.Invalid:
		out.WriteString("null")
	case reflect.Bool:
		fmt.Fprint(out, value.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		fmt.Fprint(out, value.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		fmt.Fprint(out, value.Uint())
	case reflect.Float32, reflect.Float64:
		number := value.Float()
		if math.IsNaN(number) || math.IsInf(number, 0) {
			fmt.Fprintf(out, `{"$float":"%s"}`, strings.ToLower(strconv.FormatFloat(number, 'g', -1, 64)))
			return
		}
		out.WriteString(strconv.FormatFloat(number, 'g', 17, 64))
	case reflect.String:
		text, _ := json.Marshal(value.String())
		out.Write(text)
	case reflect.Interface, reflect.Ptr:
		rrtfTell(out, value.Elem())
	case reflect.Slice, reflect.Array:
		out.WriteByte('[')
		for at := 0; at < value.Len(); at++ {
			if at > 0 {
				out.WriteByte(',')
			}
			rrtfTell(out, value.Index(at))
		}
		out.WriteByte(']')
	case reflect.Map:
		out.WriteString(`{"$dict":[`)
		for at, key := range value.MapKeys() {
			if at > 0 {
				out.WriteByte(',')
			}
			out.WriteByte('[')
			rrtfTell(out, key)
			out.WriteByte(',')
			rrtfTell(out, value.MapIndex(key))
			out.WriteByte(']')
		}
		out.WriteString("]}")
	default:
		panic(rrtfNotPlain)
	}
}

func rrtfAnswer(line string) (answer string) {
	defer func() {
		if why := recover(); why != nil {
			text, _ := json.Marshal(fmt.Sprint(why))
			key := "raised"
			if why == interface{}(rrtfNotPlain) {
				key = "not_plain"
			}
			answer = fmt.Sprintf(`{"%s":%s}`, key, text)
		}
	}()
	var given []interface{}
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()
	if err := decoder.Decode(&given); err != nil {
		panic(err)
	}
	function := reflect.ValueOf(CALLED_FUNCTION)
	kind := function.Type()
	count := kind.NumIn()
	if kind.IsVariadic() && len(given) >= count-1 {
		rest := append([]interface{}{}, given[count-1:]...)
		given = append(append([]interface{}{}, given[:count-1]...), rest)
	}
	if len(given) != count {
		panic("it takes another number of arguments")
	}
	values := []reflect.Value{}
	for at, one := range given {
		values = append(values, rrtfRead(one, kind.In(at)))
	}
	call := function.Call
	if kind.IsVariadic() {
		call = function.CallSlice
	}
	results := call(values)
	var out strings.Builder
	out.WriteString(`{"value":`)
	switch len(results) {
	case 0:
		out.WriteString("null")
	case 1:
		rrtfTell(&out, results[0])
	default:
		out.WriteByte('[')
		for at, result := range results {
			if at > 0 {
				out.WriteByte(',')
			}
			rrtfTell(&out, result)
		}
		out.WriteByte(']')
	}
	out.WriteByte('}')
	return out.String()
}

func main() {
	// What a function reads of its standard input is at its end, and what it does with its output
	// concerns no answer.
	number, _ := syscall.Dup(1)
	answers := os.NewFile(uintptr(number), "answers")
	given, _ := io.ReadAll(os.Stdin)
	lines := strings.Split(strings.TrimSuffix(string(given), "\n"), "\n")
	for _, line := range lines[1:] {
		answers.WriteString(lines[0] + rrtfAnswer(line) + "\n")
	}
}
