// The AAR for apps. Never run in this repository's tests, which have no Android SDK: they compile the same sources with
// Maven (android/pom.xml).
//
//   bindings/scripts/build-android.sh     the native libraries, and the Kotlin sources generated from them
//   gradle assembleRelease                -Pkazasu.native=DIR where they are, target/android unless given

plugins {
    id("com.android.library") version "8.13.0"
    id("org.jetbrains.kotlin.android") version "2.4.20"
}

group = "org.kazasu"
version = "0.1.0"

val built = file(providers.gradleProperty("kazasu.native").getOrElse("../../target/android"))

android {
    namespace = "org.kazasu"
    compileSdk = 36
    defaultConfig {
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
    }
    sourceSets["main"].apply {
        manifest.srcFile("src/android/AndroidManifest.xml")
        kotlin.srcDirs("src/main/kotlin", "src/android/kotlin", built.resolve("kotlin"))
        jniLibs.srcDirs(built.resolve("jniLibs"))
    }
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.10.2")
    implementation("net.java.dev.jna:jna:5.18.1@aar")
}
