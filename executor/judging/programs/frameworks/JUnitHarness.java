import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

class HARNESS_NAME {
    private static java.io.FileOutputStream out;
    private static int status;

    public static void main(String[] words) throws Throwable {
        out = new java.io.FileOutputStream(java.io.FileDescriptor.out);
        var request = LauncherDiscoveryRequestBuilder.request();
        for (String name : new String[] {HARNESS_CLASSES}) {
            request.selectors(DiscoverySelectors.selectClass(name));
        }
        LauncherFactory.create().execute(request.build(), new Told());
        System.out.flush();
        System.err.flush();
        out.write(("HARNESS_FIRST" + "HARNESS_LAST").getBytes());
        // Threads and hooks of the candidate have no part in what follows.
        Runtime.getRuntime().halt(status);
    }

    private static class Told implements TestExecutionListener {
        @Override
        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            var isPassed = result.getStatus() == TestExecutionResult.Status.SUCCESSFUL;
            if (!isPassed) {
                status = 1;
                result.getThrowable().ifPresent(error -> System.err.println(error));
            }
            if (test.isTest()) {
                tell(test, isPassed ? "passed" : "failed");
            }
        }

        @Override
        public void executionSkipped(TestIdentifier test, String reason) {
            tell(test, "skipped");
        }

        private void tell(TestIdentifier test, String outcome) {
            var name = test.getLegacyReportingName().replaceAll("\\s+", " ");
            System.out.flush();
            try {
                out.write(("\nHARNESS_REPORT " + outcome + " " + name + "\n").getBytes());
            } catch (java.io.IOException error) {
                throw new java.io.UncheckedIOException(error);
            }
        }
    }
}
