// What calls of Debug mean in a program: an assertion that fails ends it, as in .NET.
// Mono's own class passes it over in silence. None of these calls is left out, whatever symbols a
// file defines.

namespace System.Diagnostics
{
    public static class Debug
    {
        [ThreadStatic] private static int depth;

        public static bool AutoFlush { get; set; }
        public static int IndentLevel { get => depth; set => depth = Math.Max(0, value); }
        public static int IndentSize { get; set; } = 4;
        public static void Indent() => IndentLevel++;
        public static void Unindent() => IndentLevel--;
        public static void Flush() => Console.Error.Flush();
        public static void Close() => Flush();

        public static void Assert(bool condition) => Assert(condition, "", "");
        public static void Assert(bool condition, string message) => Assert(condition, message, "");
        public static void Assert(bool condition, string message, string detail)
        {
            if (!condition) Fail(message, detail);
        }
        public static void Assert(
            bool condition, string message, string detail, params object[] values)
        {
            if (!condition) Fail(message, string.Format(detail, values));
        }

        public static void Fail(string message) => Fail(message, "");
        public static void Fail(string message, string detail)
        {
            Console.Out.Flush();
            Console.Error.WriteLine("Process terminated. Assertion failed.");
            if (!string.IsNullOrEmpty(message)) Console.Error.WriteLine(message);
            if (!string.IsNullOrEmpty(detail)) Console.Error.WriteLine(detail);
            Console.Error.WriteLine(new StackTrace(1));
            Console.Error.Flush();
            Environment.Exit(134);
        }

        // What is written for whoever debugs goes nowhere.
        public static void Print(string message) { }
        public static void Print(string format, params object[] values) { }
        public static void Write(object value) { }
        public static void Write(object value, string category) { }
        public static void WriteLine(object value) { }
        public static void WriteLine(object value, string category) { }
        public static void WriteLine(string format, params object[] values) { }
        public static void WriteIf(bool condition, object value) { }
        public static void WriteIf(bool condition, object value, string category) { }
        public static void WriteLineIf(bool condition, object value) { }
        public static void WriteLineIf(bool condition, object value, string category) { }
    }
}
